"""One node of a stage within one batch: runs its code, and its children after it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from .batch_state import BatchState
from .failures import FailedNodes
from .outputs import Outputs
from .record import Headers, Record
from .segments import SegmentReader
from .timers import BatchTimers
from .topology import Node
from .tracing import has_context, with_context


class BatchScope(Protocol):
    """What the batch being processed offers to a node's code."""

    nodes: dict[str, Node]
    receivers: dict[str, Receiver]
    outputs: Outputs
    row: int
    row_timestamp: int
    row_headers: Headers
    failed: FailedNodes

    def state(self, store: str) -> BatchState: ...
    def timers(self, node: str) -> BatchTimers: ...
    def sink_index(self, name: str) -> int | None: ...
    def is_taken(self) -> bool: ...


class Receiver(Protocol):
    """Takes records: a node that runs here, or one whose rows the sidecar takes."""

    def run(self, record: Record[Any, Any]) -> Awaitable[None] | None: ...


def _receiver_of(name: str, scope: BatchScope) -> Receiver:
    """What the stage names among its sinks is written, whatever it is; everything else runs here.
    Each is made once: a node may have several parents."""
    known = scope.receivers.get(name)
    if known is None:
        index = scope.sink_index(name)
        known = Emitter(name, scope) if index is None else Exit(name, index, scope)
        scope.receivers[name] = known
    return known


class Exit:
    """A node whose rows leave the stage."""

    __slots__ = ("_index", "_key", "_node", "_scope", "_value")

    def __init__(self, name: str, index: int, scope: BatchScope) -> None:
        node = scope.nodes.get(name)
        if node is None:
            raise RuntimeError(f'the sidecar\'s stage has an unknown sink "{name}"')
        self._node = node
        self._index = index
        self._scope = scope
        self._key = node.input.key.serialize
        self._value = node.input.value.serialize

    def run(self, record: Record[Any, Any]) -> None:
        scope = self._scope
        try:
            key, value = self._key(record.key), self._value(record.value)
            # By identity: nearly all is handed on as it came, and looked at no further.
            if (
                record.timestamp is not scope.row_timestamp
                or record.headers is not scope.row_headers
                or has_context()
            ):
                _say_what_differs(scope, record)
            scope.outputs.add(scope.row, self._index, key, value, record.timestamp)
        except Exception as error:
            scope.failed.add(error, self._node.name)
            raise


class Emitter:
    def __init__(self, name: str, scope: BatchScope) -> None:
        node = scope.nodes.get(name)
        if node is None or node.code is None:
            raise RuntimeError(
                f'the sidecar\'s stage has a node "{name}", which does not run here, and is none '
                "of its sinks"
            )
        self.node = node
        self.scope = scope
        # Of an aggregate: what its code folds into.
        self.folded = None if node.aggregates is None else scope.state(node.aggregates)
        self._code = node.code
        self._children = [_receiver_of(child, scope) for child in node.children]
        if len(self._children) == 1:
            # What `forward` comes to then, without a step in between.
            self.forward = self._children[0].run  # type: ignore[method-assign]

    def enter(self, reader: SegmentReader, index: int) -> Awaitable[None] | None:
        """Reads a row, as a stage's entry does, and runs it."""
        try:
            return self._code(reader.record(index, self.node.input), self)
        except Exception as error:
            self.failed(error)
            raise

    def fire(self, reader: SegmentReader, index: int) -> Awaitable[None] | None:
        """The same of a row that tells of a timer or a punctuation."""
        try:
            record, firing = reader.fired(index, self.node.input.key)
            return None if self.node.fire is None else self.node.fire(record, firing, self)
        except Exception as error:
            self.failed(error)
            raise

    def timers(self) -> BatchTimers:
        """Raises where the node was given no ``on_timer``."""
        timed = self.node.timed
        if timed is None or timed.on_timer is None:
            raise ValueError(
                f'"{self.node.name}" sets a timer, and nothing takes it: give the node `on_timer`'
            )
        return self.scope.timers(self.node.name)

    def run(self, record: Record[Any, Any]) -> Awaitable[None] | None:
        """Hands a record to this node; an awaitable only where its code waits."""
        try:
            return self._code(record, self)
        except Exception as error:
            self.failed(error)
            raise

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

    def forward_to(self, child: int, record: Record[Any, Any]) -> Awaitable[None] | None:
        """Hands a record to one of the children."""
        return self._children[child].run(record)

    def forward_each(self, records: Sequence[Record[Any, Any]]) -> Awaitable[None] | None:
        """Several records for one, each with all that follows it before the next."""
        for index, record in enumerate(records):
            pending = self.forward(record)
            if pending is not None:
                return self._forward_others(pending, records[index + 1 :])
        return None

    async def _forward_others(
        self, pending: Awaitable[None], records: Sequence[Record[Any, Any]]
    ) -> None:
        await pending
        for record in records:
            following = self.forward(record)
            if following is not None:
                await following

    def request(self, hook: str, record: Record[Any, Any], payload: Any) -> None:
        """Asks a hook: an output of the record that is being processed, and undone with it."""
        node = self.scope.nodes.get(hook)
        if node is None or not node.is_hook:
            raise ValueError(f'there is no hook "{hook}": declare it with app.after_commit')
        index = self.scope.sink_index(hook)
        if index is None:
            raise RuntimeError(f'the sidecar\'s stage has no sink "{hook}"')
        asked = record.followed_by(record.key, payload, None, None)
        serdes, scope = node.input, self.scope
        key, value = serdes.key.serialize(asked.key), serdes.value.serialize(asked.value)
        _say_what_differs(scope, asked)
        scope.outputs.add(scope.row, index, key, value, asked.timestamp)


def _say_what_differs(scope: BatchScope, record: Record[Any, Any]) -> None:
    if not isinstance(record.timestamp, int):
        raise TypeError(f"the timestamp {record.timestamp!r} is no whole number of ms")
    headers = with_context(record.headers) if has_context() else record.headers
    is_same = headers is scope.row_headers or not (headers or scope.row_headers)
    scope.outputs.differs(record.timestamp != scope.row_timestamp, None if is_same else headers)
