"""One store within one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import Any

from .gen import state_pb2 as pb
from .outputs import nulls, present

Ask = Callable[[pb.StateRequest], "Future[pb.StateResponse]"]
"""Asks the sidecar for what did not travel with the batch."""

# Bytes that a mutation takes besides its key and value, at most.
_OVERHEAD_BYTES = 24
_MISSING: Any = object()


class BatchState:
    """The values that travelled, what the batch has written since, and what was asked for. A key
    has one entry, whether it is named by slot or by its bytes."""

    def __init__(
        self,
        columns: pb.StateColumns,
        rows: int,
        keys: Callable[[], list[bytes | None]],
        ask: Ask,
    ) -> None:
        self.index = columns.store
        self.ask = ask
        # What the mutations will take in the result, at most.
        self.bytes = 0
        self._values: list[bytes | None] = list(columns.values)
        for slot in columns.absent:
            self._values[slot] = None
        self._keys = keys
        self._rows = rows
        self._windows = columns
        self._by_slot: dict[int, bytes | None] = {}
        self._by_key: dict[bytes, bytes | None] = {}
        self._asked: dict[bytes, bytes | None] = {}
        self._slot_of_key: dict[bytes, int] | None = None
        # What to put back, should the record fail: newest last.
        self._undo: list[tuple[dict[Any, bytes | None], Any, Any]] = []

    def slots_of(self, row: int) -> Sequence[int]:
        """The slots of a row; none for a record that came too late, or has no key."""
        return self._row_slots[row]

    @cached_property
    def _row_slots(self) -> list[Sequence[int]]:
        return _row_slots(self._windows, self._rows)

    def window_start(self, slot: int) -> int:
        """Start of a slot's window in ms."""
        columns = self._windows
        if columns.window_starts:
            return columns.window_starts[slot]
        return columns.window_base + columns.window_steps[slot] * columns.window_unit_ms

    def session_length(self, slot: int) -> int:
        """From a slot's session start to its end, in ms."""
        lengths = self._windows.session_lengths
        return lengths[slot] if lengths else 0

    def get_slot(self, slot: int) -> bytes | None:
        written = self._by_slot.get(slot, _MISSING)
        return self._values[slot] if written is _MISSING else written

    def put_slot(self, slot: int, value: bytes | None) -> None:
        written = self._by_slot
        before = written.get(slot, _MISSING)
        self._undo.append((written, slot, before))
        written[slot] = value
        # As `_count`, of which this is the way of nearly all.
        if before is _MISSING:
            self.bytes += _OVERHEAD_BYTES if value is None else _OVERHEAD_BYTES + len(value)
        else:
            self._count(value, before, 0)

    def first_slots(self, first: int, rows: int) -> Sequence[int]:
        """The first slot of each of so many rows; -1 where one has none."""
        columns, end = self._windows, first + rows
        if columns.slot_counts:
            return [slots[0] if slots else -1 for slots in self._row_slots[first:end]]
        return columns.slots[first:end] if columns.slots else range(first, end)

    def by_slot(self) -> tuple[list[bytes | None], dict[int, bytes | None]]:
        """What each slot has now, and what the batch has written of it. For one who puts into both,
        and only what stays: such rows need no `keep`."""
        for slot, value in self._by_slot.items():
            self._values[slot] = value
        return self._values, self._by_slot

    def weigh(self, slot: int, value: bytes | None) -> None:
        """Counts what was put by `by_slot`, with a value that is about to be."""
        written = {**self._by_slot, slot: value} if slot >= 0 else self._by_slot
        self.bytes = _OVERHEAD_BYTES * len(written) + sum(map(len, filter(None, written.values())))

    def known(self, key: bytes) -> tuple[bool, bytes | None]:
        """Whether the value is known without asking, and the value."""
        slot = self._slot_for(key)
        if slot is not None:
            return True, self.get_slot(slot)
        if key in self._by_key:
            return True, self._by_key[key]
        if key in self._asked:
            return True, self._asked[key]
        return False, None

    def put_key(self, key: bytes, value: bytes | None) -> None:
        slot = self._slot_for(key)
        if slot is not None:
            self.put_slot(slot, value)
            return
        before = self._by_key.get(key, _MISSING)
        self._undo.append((self._by_key, key, before))
        self._by_key[key] = value
        self._count(value, before, _OVERHEAD_BYTES + len(key))

    def key_question(self, key: bytes) -> pb.StateRequest:
        return pb.StateRequest(store=self.index, keys=[key])

    def answered(self, key: bytes, answer: pb.StateResponse) -> bytes | None:
        """Remembers the answer to a question for one key; what was written meanwhile wins."""
        found = None if 0 in answer.absent else answer.values[0]
        self._asked[key] = found
        return self._by_key.get(key, found)

    async def ask_async(self, question: pb.StateRequest) -> pb.StateResponse:
        return await asyncio.wrap_future(self.ask(question))

    def keep(self) -> None:
        """The record is done: what it wrote stays."""
        self._undo.clear()

    def rollback(self) -> None:
        """The record failed: what it wrote never was."""
        for written, key, before in reversed(self._undo):
            if before is _MISSING:
                del written[key]
            else:
                written[key] = before
        self._undo.clear()

    def has_changed(self) -> bool:
        """Whether the batch has changed anything."""
        return bool(self._by_slot or self._by_key)

    def add_to(self, mutations: pb.Mutations) -> None:
        """What the batch has changed."""
        mutations.store = self.index
        mutations.slots.extend(self._by_slot.keys())
        mutations.keys.extend(self._by_key.keys())
        written = [*self._by_slot.values(), *self._by_key.values()]
        mutations.values.extend(present(written))
        mutations.deletes.extend(nulls(written))

    def _count(self, value: bytes | None, before: bytes | None, overhead: int) -> None:
        if value is not None:
            self.bytes += len(value)
        if before is _MISSING:
            self.bytes += overhead
        elif before is not None:
            self.bytes -= len(before)

    def _slot_for(self, key: bytes) -> int | None:
        # Keys are looked up by bytes only when somebody asks so; then every row's key is indexed.
        if self._slot_of_key is None:
            self._slot_of_key = {}
            for row, row_key in enumerate(self._keys()):
                slots = self.slots_of(row)
                if row_key is not None and slots:
                    self._slot_of_key[row_key] = slots[0]
        return self._slot_of_key.get(key)


def range_question(
    state: BatchState, first: bytes | None, end: bytes | None, reverse: bool
) -> pb.StateRequest:
    """A page of the range ``[first, end)``, with what the batch has written by now."""
    asked = pb.KeyRange(reverse=reverse)
    if first is not None:
        setattr(asked, "from", first)
    if end is not None:
        asked.to = end
    question = pb.StateRequest(store=state.index, range=asked)
    if state.has_changed():
        state.add_to(question.written)
    return question


def key_after(key: bytes) -> bytes:
    """The key that comes next: no other lies between them."""
    return key + b"\x00"


def _row_slots(columns: pb.StateColumns, rows: int) -> list[Sequence[int]]:
    """The slots of each row: what the columns leave out goes without saying."""
    if not columns.slot_counts:
        return [(slot,) for slot in columns.slots or range(rows)]
    slots = columns.slots or range(sum(columns.slot_counts))
    found: list[Sequence[int]] = []
    first = 0
    for count in columns.slot_counts:
        found.append(slots[first : first + count])
        first += count
    return found
