"""One node of a stage within one batch: runs its code, and its children after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .batch_state import BatchState
from .failures import FailedNodes
from .outputs import Outputs
from .record import Headers, Record
from .segments import SegmentReader
from .serdes import Serde
from .topology import Node, Serdes
from .tracing import IS_TRACING, with_context
from .windows import Window, Windowed


class BatchScope(Protocol):
    """What the batch being processed offers to a node's code."""

    nodes: dict[str, Node]
    outputs: Outputs
    row: int
    row_timestamp: int
    row_headers: Headers
    failed: FailedNodes

    def state(self, store: str) -> BatchState: ...
    def sink_index(self, name: str) -> int: ...
    def is_taken(self) -> bool: ...


@dataclass(frozen=True)
class Fold:
    """How an aggregate folds."""

    store: str
    # None folds over all time.
    window_size_ms: int | None
    serde: Serde[Any]
    initializer: Callable[[], Any]
    aggregator: Callable[[Any, Any, Any], Any]


class Emitter:
    def __init__(self, name: str, scope: BatchScope) -> None:
        node = scope.nodes.get(name)
        if node is None or (node.code is None and node.sink is None):
            raise RuntimeError(f'the sidecar\'s stage has a node "{name}", which does not run here')
        self.node = node
        self.scope = scope
        self._children = [Emitter(child, scope) for child in node.children]
        self._sink_index = 0 if node.sink is None else scope.sink_index(name)

    def enter(self, reader: SegmentReader, index: int) -> Awaitable[None] | None:
        """Reads a row, as a stage's entry does, and runs it."""
        try:
            record = reader.record(index, self.node.input)
        except Exception as error:
            self.failed(error)
            raise
        return self.run(record)

    def run(self, record: Record[Any, Any]) -> Awaitable[None] | None:
        """Hands a record to this node; an awaitable only where its code waits."""
        try:
            if self.node.code is not None:
                return self.node.code(record, self)
            self._write(record)
        except Exception as error:
            self.failed(error)
            raise
        return None

    def failed(self, error: BaseException) -> None:
        """Says where an error came from. Whose code fails later says so itself."""
        self.scope.failed.add(error, self.node.name)

    def forward(self, record: Record[Any, Any]) -> Awaitable[None] | None:
        """Hands a record to the children, depth first, in the order in which they were declared."""
        for index, child in enumerate(self._children):
            pending = child.run(record)
            if pending is not None and child is self._children[-1]:
                return pending
            if pending is not None:
                return self._forward_rest(pending, index + 1, record)
        return None

    async def _forward_rest(
        self, pending: Awaitable[None], first: int, record: Record[Any, Any]
    ) -> None:
        await pending
        for child in self._children[first:]:
            following = child.run(record)
            if following is not None:
                await following

    def fold(self, record: Record[Any, Any], fold: Fold) -> Awaitable[None] | None:
        """Folds a record into each of its slots, and forwards each new value."""
        # As Kafka Streams: without windows a null value is no news. (Null keys have no slot.)
        if fold.window_size_ms is None and record.value is None:
            return None
        state = self.scope.state(fold.store)
        slots = state.slots_of(self.scope.row)
        for index, slot in enumerate(slots):
            pending = self._fold_into(state, slot, record, fold)
            if pending is not None:
                return self._fold_rest(pending, state, slots[index + 1 :], record, fold)
        return None

    async def _fold_rest(
        self,
        pending: Awaitable[None],
        state: BatchState,
        slots: list[int],
        record: Record[Any, Any],
        fold: Fold,
    ) -> None:
        await pending
        for slot in slots:
            try:
                following = self._fold_into(state, slot, record, fold)
            except Exception as error:
                self.failed(error)
                raise
            if following is not None:
                await following

    def _fold_into(
        self, state: BatchState, slot: int, record: Record[Any, Any], fold: Fold
    ) -> Awaitable[None] | None:
        before = state.get_slot(slot)
        current = fold.initializer() if before is None else fold.serde.deserialize(before)
        value = fold.aggregator(record.key, record.value, current)
        state.put_slot(slot, fold.serde.serialize(value))
        key = record.key
        if fold.window_size_ms is not None:
            start = state.window_start(slot)
            key = Windowed(record.key, Window(start, start + fold.window_size_ms))
        return self.forward(record.followed_by(key, value, None, None))

    def request(self, hook: str, record: Record[Any, Any], payload: Any) -> None:
        """Asks a hook: an output of the record that is being processed, and undone with it."""
        node = self.scope.nodes.get(hook)
        if node is None or node.hook is None:
            raise ValueError(f'there is no hook "{hook}": declare it with app.after_commit')
        asked = record.followed_by(record.key, payload, None, None)
        self._add(self.scope.sink_index(hook), node.hook, asked)

    def _write(self, record: Record[Any, Any]) -> None:
        if self.node.sink is not None:
            self._add(self._sink_index, self.node.sink, record)

    def _add(self, index: int, sink: Serdes, record: Record[Any, Any]) -> None:
        scope = self.scope
        if not isinstance(record.timestamp, int):
            raise TypeError(f"the timestamp {record.timestamp!r} is no whole number of ms")
        headers = with_context(record.headers) if IS_TRACING else record.headers
        scope.outputs.add(
            scope.row,
            index,
            sink.key.serialize(record.key),
            sink.value.serialize(record.value),
            record.timestamp,
            scope.row_timestamp,
            None if headers is scope.row_headers else headers,
        )
