"""Runs one batch to its result."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .batch_state import Ask, BatchState
from .emitter import Emitter, Receiver
from .failures import FailedNodes, failure_of
from .gen import processor_pb2 as pb
from .outputs import Outputs
from .record import Headers
from .segments import SegmentReader, keys_of
from .straight import Columns, StraightRun, straight_run
from .timers import BatchTimers
from .topology import Node
from .tracing import IS_TRACING, in_context_of


@dataclass(frozen=True)
class StageScope:
    """What does not change from batch to batch."""

    nodes: dict[str, Node]
    stage: pb.Stage
    sources: Sequence[str]
    application_id: str
    # The node whose timers the rows of a source are.
    timer_sources: dict[int, str]
    # The largest result that the sidecar takes.
    result_bytes_max: int


class BatchControl:
    """How a batch under way is stopped: before its next record."""

    __slots__ = ("is_stopped", "is_taken")

    def __init__(self) -> None:
        self.is_stopped = False
        # Set when what the batch does has no effect any more.
        self.is_taken = False


async def run_batch(
    scope: StageScope, batch: pb.Batch, ask: Ask, control: BatchControl
) -> pb.ProcessRequest | None:
    """The frame with its result; None when the batch was stopped. Raises only for a sidecar's
    fault. Suspends only where a handler made with ``async def`` does."""
    readers = [
        SegmentReader(scope.sources, scope.application_id, scope.timer_sources, segment)
        for segment in batch.segments
    ]
    run = BatchRun(scope, batch, ask, control)
    short = run.short_way(readers)
    if short is not None:
        return run.run_short(short)
    for reader in readers:
        process = run.way_of(reader)
        for index in range(len(reader)):
            if control.is_stopped:
                return None
            try:
                if IS_TRACING and reader.headers(index):
                    with in_context_of(reader.headers(index)):
                        pending = process(index)
                        if pending is not None:
                            await pending
                else:
                    pending = process(index)
                    if pending is not None:
                        await pending
                run.keep()
            except Exception as error:
                return None if control.is_stopped else run.fail(error)
    return None if control.is_stopped else run.result()


class BatchRun:
    def __init__(self, scope: StageScope, batch: pb.Batch, ask: Ask, control: BatchControl) -> None:
        self.nodes = scope.nodes
        self.receivers: dict[str, Receiver] = {}
        self.outputs = Outputs()
        # Of the short way, instead of them.
        self._columns: Columns | None = None
        self.failed = FailedNodes()
        self.row = 0
        self.row_timestamp = 0
        self.row_headers: Headers = ()
        self._batch = batch
        self._stage = scope.stage
        self.bytes_max = scope.result_bytes_max
        self._control = control
        self._states: dict[str, BatchState] = {}
        self._timers: dict[str, BatchTimers] = {}
        rows = sum(len(segment.keys) for segment in batch.segments) if batch.states else 0
        for columns in batch.states:
            if columns.store >= len(scope.stage.stores):
                raise RuntimeError(f"the sidecar's batch has no store {columns.store}")
            name = scope.stage.stores[columns.store]
            self._states[name] = BatchState(columns, rows, self._keys, ask)
        self._all_states = list(self._states.values())
        self._entries = [Emitter(name, self) for name in scope.stage.entries]

    def _keys(self) -> list[bytes | None]:
        return [key for segment in self._batch.segments for key in keys_of(segment)]

    def state(self, store: str) -> BatchState:
        found = self._states.get(store)
        if found is None:
            raise RuntimeError(f'the sidecar\'s batch carries no state of the store "{store}"')
        return found

    def timers(self, node: str) -> BatchTimers:
        found = self._timers.get(node)
        if found is None:
            found = self._timers[node] = BatchTimers(node)
        return found

    def sink_index(self, name: str) -> int | None:
        for index, sink in enumerate(self._stage.sinks):
            if sink == name:
                return index
        return None

    def is_taken(self) -> bool:
        return self._control.is_taken

    def short_way(self, readers: Sequence[SegmentReader]) -> StraightRun | None:
        """None where rows have to go one by one; then nothing has run."""
        if len(self._entries) != 1:
            return None
        entry = self._entries[0]
        short = straight_run(self, entry.node, entry.folded, self._stage.sinks, readers)
        self._columns = None if short is None else short.columns
        return short

    def run_short(self, short: StraightRun) -> pb.ProcessRequest | None:
        try:
            short.run(self._control)
        except Exception as error:
            return None if self._control.is_stopped else self.fail(error)
        return None if self._control.is_stopped else self.result()

    def way_of(self, reader: SegmentReader) -> Callable[[int], Awaitable[None] | None]:
        """What processes a row of the segment. A stage that is entered at one node, as most are,
        has its rows read at once, where all of them can be."""
        only = self._entries[0] if len(self._entries) == 1 else None
        is_firing = only is not None and reader.timers_of == only.node.name
        records = None if only is None or is_firing else reader.records(only.node.input)
        if only is None or records is None:
            return lambda index: self._process(reader, index)
        run, folded = only.run, only.folded

        def process(index: int) -> Awaitable[None] | None:
            record = records[index]
            self.row_timestamp = record.timestamp
            self.row_headers = record.headers
            if folded is not None and not folded.slots_of(self.row):
                return None
            return run(record)

        return process

    def _process(self, reader: SegmentReader, index: int) -> Awaitable[None] | None:
        """An awaitable only where a handler waits: most do not, and then nothing here does."""
        self.row_timestamp = reader.timestamp(index)
        self.row_headers = reader.headers(index)
        for at, entry in enumerate(self._entries):
            if self._is_dropped(entry):
                continue
            pending = _enter(entry, reader, index)
            if pending is not None:
                return self._process_rest(pending, self._entries[at + 1 :], reader, index)
        return None

    async def _process_rest(
        self,
        pending: Awaitable[None],
        entries: list[Emitter],
        reader: SegmentReader,
        index: int,
    ) -> None:
        await pending
        for entry in entries:
            if self._is_dropped(entry):
                continue
            following = _enter(entry, reader, index)
            if following is not None:
                await following

    def _is_dropped(self, entry: Emitter) -> bool:
        """Late, or without a key: the sidecar has said so, and nothing of the record is read."""
        return entry.folded is not None and not entry.folded.slots_of(self.row)

    def keep(self) -> None:
        """The row is done: what it did stays. Raises where the result would not fit a frame."""
        if self._all_states or self._timers:
            self.check(self.outputs.bytes)
            for state in self._all_states:
                state.keep()
            for timers in self._timers.values():
                timers.keep()
        elif self.outputs.bytes > self.bytes_max:
            self.check(self.outputs.bytes)
        self.row += 1

    def check(self, size: int) -> None:
        """Raises where a result would not fit a frame whose outputs take so many bytes."""
        for state in self._all_states:
            size += state.bytes
        for timers in self._timers.values():
            size += timers.bytes
        if size > self.bytes_max:
            raise ValueError(
                f"the results of {self.row + 1} records take {size} bytes, the sidecar takes "
                f"{self.bytes_max}: write less for each record, or raise "
                "server.max.message.bytes"
            )

    def fail(self, error: Exception) -> pb.ProcessRequest:
        """The row failed: what it did never was."""
        self.outputs.forget(self.row)
        for state in self._states.values():
            state.rollback()
        for timers in self._timers.values():
            timers.rollback()
        frame = self.result()
        # What no code raised, the size of a result, is the entry's where there is one.
        entry = self._entries[0].node.name if len(self._entries) == 1 else ""
        failed_at = self.failed.innermost(error) or entry
        frame.result.failure.CopyFrom(failure_of(error, failed_at))
        self.failed.clear()
        return frame

    def result(self) -> pb.ProcessRequest:
        """Filled in place: a message that is given another one copies it."""
        frame = pb.ProcessRequest()
        result, batch = frame.result, self._batch
        result.dispatch_id = batch.dispatch_id
        result.task_epoch = batch.task_epoch
        result.task_id = batch.task_id
        result.done = self.row
        result.outputs.SetInParent()
        (self._columns or self.outputs).add_to(result.outputs)
        for state in self._states.values():
            if state.has_changed():
                state.add_to(result.mutations.add())
        timers = [timers.finish() for timers in self._timers.values()]
        result.timers.extend(changes for changes in timers if changes is not None)
        return frame


def _enter(entry: Emitter, reader: SegmentReader, index: int) -> Awaitable[None] | None:
    # What was derived from a timer further up comes from its source, too, and is a record here.
    if reader.timers_of == entry.node.name:
        return entry.fire(reader, index)
    return entry.enter(reader, index)


def drive(running: Any) -> Any:
    """Runs a coroutine that never suspends to its end, without an event loop."""
    assert inspect.iscoroutine(running)
    try:
        running.send(None)
    except StopIteration as stop:
        return stop.value
    running.close()
    raise RuntimeError("a handler made with `def` has waited for an event loop")
