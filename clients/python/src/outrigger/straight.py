"""The short way of a batch whose stage is one node with one sink: each row goes into columns at
once, and nothing is made for it in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .batch_state import BatchState
from .failures import FailedNodes
from .gen import records_pb2 as pb
from .outputs import OVERHEAD_BYTES, nulls, present
from .segments import SegmentReader
from .serdes import Serde, raw
from .topology import Node
from .tracing import has_context

Step = Callable[[int], "tuple[Any, Any] | None"]
"""What a segment's row becomes: key and value, or nothing."""


@dataclass(frozen=True)
class Rows:
    """A segment's rows on their way through a node."""

    reader: SegmentReader
    node: Node
    # Of the batch's rows.
    first: int
    # Of an aggregate.
    state: BatchState | None
    # Whether values are to come written by the node's own serde, which is the sink's.
    is_written: bool


@dataclass(frozen=True)
class Straight:
    """A node's code without records. ``steps`` is None where a row cannot be read: then those
    before it come first, one by one."""

    steps: Callable[[Rows], Step | None]
    # What it keeps its values with.
    writes: Serde[Any] | None = None


class Scope(Protocol):
    """The batch that is being processed."""

    nodes: dict[str, Node]
    failed: FailedNodes
    row: int

    # The largest result that the sidecar takes.
    bytes_max: int

    def check(self, size: int) -> None:
        """Raises where a result would not fit a frame whose outputs take so many bytes."""


class Control(Protocol):
    """How the batch is stopped: before its next row."""

    is_stopped: bool


class Columns:
    """``Outputs`` to the stage's only sink, whose times and headers are their inputs'."""

    __slots__ = ("bytes", "inputs", "keys", "values")

    def __init__(self) -> None:
        # Never less than what the message will take.
        self.bytes = 0
        self.inputs: list[int] = []
        self.keys: list[bytes | None] = []
        self.values: list[bytes | None] = []

    def finish(self) -> pb.Outputs:
        """As the message wants it: columns that say nothing are left out."""
        return pb.Outputs(
            inputs=self.inputs,
            keys=present(self.keys),
            values=present(self.values),
            null_keys=nulls(self.keys),
            null_values=nulls(self.values),
        )


def straight_run(
    scope: Scope,
    node: Node,
    state: BatchState | None,
    sinks: Sequence[str],
    readers: Sequence[SegmentReader],
) -> StraightRun | None:
    """The short way of a batch that enters at the node; None where there is none, or a row cannot
    be read."""
    sink = scope.nodes.get(sinks[0]) if len(sinks) == 1 else None
    straight = node.straight
    if straight is None or sink is None or node.children != [sink.name] or has_context():
        return None
    if any(reader.timers_of is not None or reader.has_headers() for reader in readers):
        return None
    run = StraightRun(scope, node, sink, state)
    first = 0
    for reader in readers:
        step = straight.steps(Rows(reader, node, first, state, run.is_written))
        if step is None:
            return None
        run.segments.append((step, len(reader)))
        first += len(reader)
    return run


class StraightRun:
    """One batch on the short way from a node to a sink."""

    def __init__(self, scope: Scope, node: Node, sink: Node, state: BatchState | None) -> None:
        self.columns = Columns()
        # What each one's rows do, and how many they are.
        self.segments: list[tuple[Step, int]] = []
        # Whether values come written by the serde that the sink writes with.
        self.is_written = node.straight is not None and node.straight.writes is sink.input.value
        self._scope = scope
        self._node = node
        self._sink = sink
        self._state = state

    def run(self, control: Control) -> None:
        """Runs all rows, until it is stopped. Raises what a row fails with."""
        for step, rows in self.segments:
            self._run(step, rows, control)

    def _run(self, step: Step, rows: int, control: Control) -> None:
        scope, columns, state = self._scope, self.columns, self._state
        keys, values, inputs = columns.keys, columns.values, columns.inputs
        write_key = self._sink.input.key.serialize
        write_value = self._sink.input.value.serialize
        # What they write is what they are given.
        is_key_raw = write_key is raw.serialize
        is_value_raw = write_value is raw.serialize or self.is_written
        at = self._node
        try:
            for index in range(rows):
                if control.is_stopped:
                    return
                made = step(index)
                if made is not None:
                    key, value = made
                    at = self._sink
                    if not is_key_raw or type(key) is not bytes:
                        key = write_key(key)
                    if not is_value_raw or type(value) is not bytes:
                        value = write_value(value)
                    size = columns.bytes + OVERHEAD_BYTES
                    size += (len(key) if key else 0) + (len(value) if value else 0)
                    at = self._node
                    if size + (0 if state is None else state.bytes) > scope.bytes_max:
                        scope.check(size)
                    columns.bytes = size
                    inputs.append(scope.row)
                    keys.append(key)
                    values.append(value)
                if state is not None:
                    state.keep()
                scope.row += 1
        except Exception as error:
            # What no code raised, the size of a result, is the node's.
            scope.failed.add(error, at.name)
            raise


def straight_values(mapper: Callable[[Any], Any]) -> Straight:
    """Of ``map_values``."""

    def steps(rows: Rows) -> Step | None:
        columns = rows.reader.columns(rows.node.input)
        if columns is None:
            return None
        keys, values = columns
        return lambda index: (keys[index], mapper(values[index]))

    return Straight(steps)


def straight_records(made: Callable[[Any], tuple[Any, Any] | None]) -> Straight:
    """Of what makes key and value of a record, or nothing."""

    def steps(rows: Rows) -> Step | None:
        records = rows.reader.records(rows.node.input)
        return None if records is None else lambda index: made(records[index])

    return Straight(steps)
