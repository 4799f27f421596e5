"""The short way of a batch whose stage is one node with one sink: each row goes into columns at
once, and nothing is made for it in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .batch_state import BatchState
from .failures import FailedNodes
from .gen import records_pb2 as pb
from .outputs import OVERHEAD_BYTES
from .record import Record
from .segments import SegmentReader
from .serdes import Serde, raw
from .topology import Node
from .tracing import has_context

# Bytes that a row takes besides what it writes, at most: an output, and a mutation.
_ROW_OVERHEAD_BYTES = OVERHEAD_BYTES + 24
# What a row writes: a key, a value, and what is kept.
_PARTS = 3
_NEW = object.__new__

# The column of inputs of a batch all of whose rows have one output each, as it is on the wire: that
# of fewer rows is its beginning.
_ROWS = 4096
_INPUTS_TAG = 1 << 3 | 2
_PACKED = bytes(range(128)) + b"".join(
    bytes((row & 127 | 128, row >> 7)) for row in range(128, _ROWS)
)


@dataclass(frozen=True)
class Rows:
    """A segment's rows on their way through a node."""

    reader: SegmentReader
    node: Node
    # Of the batch's rows.
    first: int
    # Of an aggregate.
    state: BatchState | None


@dataclass(frozen=True)
class Straight:
    """A node's code without records. ``loop`` gives what runs all rows, until it is stopped, and
    raises what one fails with; None where a row cannot be read: then those before it come first,
    one by one."""

    loop: Callable[[Rows], Callable[[Lane], None] | None]
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
    """``Outputs`` to the stage's only sink, whose times and headers are their inputs'. A row is
    done once it is in ``values`` or ``dropped``: the last step of each."""

    __slots__ = ("dropped", "keys", "null_keys", "null_values", "values")

    def __init__(self) -> None:
        # Rows that became nothing.
        self.dropped: list[int] = []
        # Of null an empty one.
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.null_keys: list[int] = []
        self.null_values: list[int] = []

    def rows(self) -> int:
        """How many are done."""
        return len(self.values) + len(self.dropped)

    def add_to(self, outputs: pb.Outputs) -> None:
        """As the message wants it: columns that say nothing are left out."""
        _add_inputs(outputs, self.rows(), self.dropped)
        outputs.keys.extend(self.keys)
        outputs.values.extend(self.values)
        outputs.null_keys.extend(self.null_keys)
        outputs.null_values.extend(self.null_values)


def _add_inputs(outputs: pb.Outputs, rows: int, dropped: Sequence[int]) -> None:
    """One output for each of the rows, but those that were dropped."""
    if dropped:
        gone = set(dropped)
        outputs.inputs.extend(row for row in range(rows) if row not in gone)
    elif rows > _ROWS:
        outputs.inputs.extend(range(rows))
    elif rows:
        size = max(rows, 2 * rows - 128)
        head = (size,) if size < 128 else (size & 127 | 128, size >> 7)
        outputs.MergeFromString(bytes((_INPUTS_TAG, *head)) + _PACKED[:size])


class Lane:
    """Where the rows of a batch go, one after the other. A loop writes what a row has become with
    ``write_key`` and ``write_value``, has ``unusual`` look at what is no bytes or above ``share``,
    and puts it into the columns."""

    __slots__ = (
        "_scope",
        "_state",
        "columns",
        "control",
        "is_written",
        "node",
        "share",
        "sink",
        "write_key",
        "write_value",
    )

    def __init__(
        self, scope: Scope, node: Node, sink: Node, state: BatchState | None, rows: int
    ) -> None:
        self.columns = Columns()
        self.control: Control
        self.node = node.name
        self.sink = sink.name
        # Whether values come written by the serde that the sink writes with.
        self.is_written = node.straight is not None and node.straight.writes is sink.input.value
        # None where what they write is what they are given.
        key, value = sink.input.key.serialize, sink.input.value.serialize
        self.write_key = None if key is raw.serialize else key
        self.write_value = None if value is raw.serialize else value
        # While no row has a part above it the result fits its frame, whatever the others have.
        self.share = (scope.bytes_max // max(rows, 1) - _ROW_OVERHEAD_BYTES) // _PARTS
        self._scope = scope
        self._state = state

    def unusual(
        self, key: Any, value: Any, slot: int = -1, kept: bytes | None = None
    ) -> tuple[bytes, bytes]:
        """The same, with null as the columns have it. Raises where one is of a wrong type, or the
        row is one too many for the frame. ``kept``: what the row leaves in the slot."""
        columns = self.columns
        if self.write_key is None:
            raw.serialize(key)
        if self.write_value is None:
            raw.serialize(value)
        for part in (key, value, kept):
            if part is not None and len(part) > self.share:
                self._weigh(key, value, slot, kept)
                break
        if key is None:
            columns.null_keys.append(len(columns.values))
        if value is None:
            columns.null_values.append(len(columns.values))
        return b"" if key is None else key, b"" if value is None else value

    def failed(self, error: Exception, at: str) -> None:
        """Says of which node a row's error is. What no code raised, the size of a result, is the
        node's, which is said before."""
        self._scope.failed.add(error, at)

    def done(self) -> None:
        """Says how far the rows came."""
        self._scope.row = self.columns.rows()

    def _weigh(self, key: Any, value: Any, slot: int, kept: bytes | None) -> None:
        columns = self.columns
        size = OVERHEAD_BYTES * (len(columns.values) + 1) + len(key or b"") + len(value or b"")
        size += sum(map(len, columns.keys)) + sum(map(len, columns.values))
        if self._state is not None:
            self._state.weigh(slot, kept)
        self.done()
        try:
            self._scope.check(size)
        except ValueError as error:
            self.failed(error, self.node)
            raise


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
    loops = []
    first = 0
    for reader in readers:
        loop = straight.loop(Rows(reader, node, first, state))
        if loop is None:
            return None
        loops.append(loop)
        first += len(reader)
    return StraightRun(loops, Lane(scope, node, sink, state, first))


class StraightRun:
    """One batch on the short way from a node to a sink."""

    def __init__(self, loops: Sequence[Callable[[Lane], None]], lane: Lane) -> None:
        self.columns = lane.columns
        self._loops = loops
        self._lane = lane

    def run(self, control: Control) -> None:
        """Runs all rows, until it is stopped. Raises what a row fails with."""
        self._lane.control = control
        try:
            for loop in self._loops:
                loop(self._lane)
        finally:
            self._lane.done()


def straight_values(mapper: Callable[[Any], Any]) -> Straight:
    """Of ``map_values``."""

    def loop(rows: Rows) -> Callable[[Lane], None] | None:
        columns = rows.reader.columns(rows.node.input)
        return None if columns is None else lambda lane: _run_values(lane, mapper, *columns)

    return Straight(loop)


def _run_values(
    lane: Lane, mapper: Callable[[Any], Any], keys: Iterable[Any], values: Iterable[Any]
) -> None:
    control, share = lane.control, lane.share
    write_key, write_value = lane.write_key, lane.write_value
    put_key, put_value = lane.columns.keys.append, lane.columns.values.append
    at = lane.node
    try:
        for key, given in zip(keys, values, strict=True):
            if control.is_stopped:
                return
            value = mapper(given)
            at = lane.sink
            if write_key is not None:
                key = write_key(key)
            if write_value is not None:
                value = write_value(value)
            if (
                type(value) is not bytes
                or type(key) is not bytes
                or len(value) > share
                or len(key) > share
            ):
                key, value = lane.unusual(key, value)
            at = lane.node
            put_key(key)
            put_value(value)
    except Exception as error:
        lane.failed(error, at)
        raise


def straight_records(
    made: Callable[[Any], tuple[Any, Any] | None], *, drops: bool = False
) -> Straight:
    """Of what makes key and value of a record; with ``drops`` a None is nothing."""

    def loop(rows: Rows) -> Callable[[Lane], None] | None:
        columns = rows.reader.columns(rows.node.input)
        if columns is None:
            return None
        keys, values = columns
        return lambda lane: _run_records(lane, rows, made, drops, keys, values)

    return Straight(loop)


def _run_records(
    lane: Lane,
    rows: Rows,
    made: Callable[[Any], Any],
    drops: bool,
    keys: Iterable[Any],
    values: Iterable[Any],
) -> None:
    control, share, origin = lane.control, lane.share, rows.reader.origin
    write_key, write_value = lane.write_key, lane.write_value
    put_key, put_value = lane.columns.keys.append, lane.columns.values.append
    new = _NEW
    at = lane.node
    base, deltas = rows.reader.base_and_deltas()
    columns = zip(range(len(deltas)), keys, values, deltas, strict=True)
    try:
        for index, key, value, delta in columns:
            if control.is_stopped:
                return
            # As its `__init__`, without a call.
            record: Record[Any, Any] = new(Record)
            record.key = key
            record.value = value
            record.timestamp = base + delta
            record.headers = ()
            record._origin = origin
            record._index = index
            given = made(record)
            if given is None and drops:
                lane.columns.dropped.append(rows.first + index)
                continue
            key, value = given
            at = lane.sink
            if write_key is not None:
                key = write_key(key)
            if write_value is not None:
                value = write_value(value)
            if (
                type(value) is not bytes
                or type(key) is not bytes
                or len(value) > share
                or len(key) > share
            ):
                key, value = lane.unusual(key, value)
            at = lane.node
            put_key(key)
            put_value(value)
    except Exception as error:
        lane.failed(error, at)
        raise
