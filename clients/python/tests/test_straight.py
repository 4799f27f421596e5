"""The short way gives the results of the long one."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from outrigger import App, KStream, Serde, int64, nullable, raw, utf8
from outrigger.batch_run import BatchControl, BatchRun, StageScope, drive, run_batch
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import records_pb2, state_pb2

SEEDS = 150
ROWS_MAX = 6

pair = struct.Struct(">qq")
totals: Serde[tuple[int, int]] = Serde(
    lambda value: pair.pack(*value), lambda data: pair.unpack(data or b"")
)
Declare = Callable[[KStream[Any, Any], "Code"], None]


class Code:
    """What the application does: it fails at one of its calls, or is stopped behind it."""

    def __init__(self, fails_at: int, stops_at: int, control: BatchControl) -> None:
        self.calls = 0
        self._fails_at = fails_at
        self._stops_at = stops_at
        self._control = control

    def called(self) -> None:
        self.calls += 1
        if self.calls == self._stops_at:
            self._control.is_stopped = True
        if self.calls == self._fails_at:
            raise ValueError(f"call {self.calls}")

    def value(self, value: Any) -> Any:
        self.called()
        return value if self.calls % 5 else None

    def pair(self, record: Any) -> tuple[Any, Any]:
        self.called()
        return (record.value, record.key) if self.calls % 7 else (None, record.offset)

    def holds(self, record: Any) -> bool:
        self.called()
        return bool(self.calls % 3)

    def sum(self, key: Any, value: Any, before: tuple[int, int]) -> tuple[int, int] | None:
        self.called()
        return (before[0] + 1, before[1] + len(value)) if self.calls % 4 else None

    def joined(self, before: Any, value: Any) -> Any:
        self.called()
        return before + value


def to_out(stream: KStream[Any, Any], value: Serde[Any]) -> None:
    stream.to("out", key=raw, value=value)


KINDS: dict[str, Declare] = {
    "map_values": lambda s, code: to_out(s.map_values(code.value), raw),
    # Which does not take None.
    "map_values of text": lambda s, code: to_out(s.map_values(code.value), utf8),
    "map": lambda s, code: to_out(s.map(code.pair), nullable(raw)),
    "filter": lambda s, code: to_out(s.filter(code.holds), raw),
    "filter_not": lambda s, code: to_out(s.filter_not(code.holds), raw),
    "aggregate": lambda s, code: to_out(
        s.group_by_key().aggregate(lambda: (0, 0), code.sum, value=totals, store="kept"), totals
    ),
    "aggregate, written otherwise": lambda s, code: to_out(
        s.group_by_key().aggregate(lambda: (0, 0), code.sum, value=totals, store="kept"),
        nullable(totals),
    ),
    "reduce": lambda s, code: to_out(
        s.group_by_key().reduce(code.joined, value=raw, store="kept"), raw
    ),
    "a number": lambda s, code: to_out(s.map_values(lambda value: len(value or b"")), int64),
}


def segment_of(chosen: random.Random) -> records_pb2.Segment:
    rows = chosen.randrange(ROWS_MAX)
    segment = records_pb2.Segment(partition=1, base_offset=10, base_timestamp=1_000)
    for row in range(rows):
        segment.keys.append(b"k%d" % row)
        segment.values.append(b"v" * chosen.randrange(4))
        if chosen.randrange(4) == 0:
            segment.null_keys.append(row)
            segment.keys[row] = b""
        if chosen.randrange(4) == 0:
            segment.null_values.append(row)
            segment.values[row] = b""
        if chosen.randrange(12) == 0:
            segment.headers.append(records_pb2.RowHeaders(row=row, headers=[{"key": "h"}]))
    if chosen.randrange(2):
        segment.timestamp_deltas.extend(range(rows))
    return segment


def batch_of(kind: str, chosen: random.Random) -> pb.Batch:
    segments = [segment_of(chosen) for _ in range(chosen.randrange(3))]
    batch = pb.Batch(dispatch_id=7, task_epoch=2, task_id="0_1", segments=segments)
    if kind.startswith(("aggregate", "reduce")):
        rows = sum(len(segment.keys) for segment in segments)
        slots = max(1, rows // 2)
        columns = state_pb2.StateColumns(
            values=[pair.pack(1, slot) for slot in range(slots)], slot_counts=[], slots=[]
        )
        for _ in range(rows):
            # Some come too late.
            columns.slot_counts.append(int(chosen.randrange(5) > 0))
            columns.slots.extend([chosen.randrange(slots)] * columns.slot_counts[-1])
        if slots > 1:
            columns.absent.append(0)
        batch.states.append(columns)
    return batch


def ask(_: state_pb2.StateRequest) -> Future[state_pb2.StateResponse]:
    raise AssertionError("all state has travelled")


def run_of(kind: str, batch: pb.Batch, seed: int) -> tuple[pb.BatchResult | None, int]:
    """The result, and how often the application's code ran."""
    chosen = random.Random(seed)
    control = BatchControl()
    code = Code(chosen.randrange(12), chosen.randrange(12) if seed % 4 == 0 else -1, control)
    app = App()
    KINDS[kind](app.stream("in", key=raw, value=raw), code)
    nodes = app._builder.nodes
    entry = next(name for name, node in nodes.items() if node.code is not None)
    stage = pb.Stage(entries=[entry], sinks=[list(nodes)[-1]])
    if batch.states:
        stage.stores.append("kept")
    bytes_max = 200 if seed % 5 == 0 else 1 << 20
    scope = StageScope(nodes, stage, ["topic"], "app", {}, bytes_max)
    frame = drive(run_batch(scope, batch, ask, control))
    result = None if frame is None else frame.result
    if result is not None:
        # Where in this SDK it came from, the ways differ in.
        result.failure.stack = ""
    return result, code.calls


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_the_results_of_the_long_way(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    short_way = BatchRun.short_way

    def told(run: BatchRun, readers: Any) -> Any:
        way = short_way(run, readers)
        taken.append(way is not None)
        return way

    monkeypatch.setattr(BatchRun, "short_way", told)
    short, batches = [], []
    for seed in range(SEEDS):
        batches.append(batch_of(kind, random.Random(seed)))
        short.append(run_of(kind, batches[-1], seed))
    monkeypatch.setattr(BatchRun, "short_way", lambda run, readers: None)
    for seed in range(SEEDS):
        assert short[seed] == run_of(kind, batches[seed], seed), seed
    # Headers go the long way.
    assert 0.5 < sum(taken) / SEEDS < 1
    failures = sum(result is not None and result.failure.type != "" for result, _ in short)
    assert failures > 1


def test_a_key_that_cannot_be_read_goes_the_long_way() -> None:
    app = App()
    app.stream("in", key=utf8, value=raw).map_values(lambda value: value).to(
        "out", key=utf8, value=raw
    )
    nodes = app._builder.nodes
    entry, sink = list(nodes)[-2:]
    scope = StageScope(nodes, pb.Stage(entries=[entry], sinks=[sink]), ["in"], "app", {}, 1 << 20)
    segment = records_pb2.Segment(keys=[b"a", b"\xff"], values=[b"1", b"2"])
    result = drive(run_batch(scope, pb.Batch(segments=[segment]), ask, BatchControl())).result
    assert (result.done, list(result.outputs.keys), result.failure.node) == (1, [b"a"], entry)
    assert "the key of app/in-0@1 cannot be read" in result.failure.message


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 4095, 4096, 4097])
def test_each_row_has_its_input(rows: int) -> None:
    app = App()
    app.stream("in", key=raw, value=raw).map_values(lambda value: value).to(
        "out", key=raw, value=raw
    )
    entry, sink = list(app._builder.nodes)[-2:]
    stage = pb.Stage(entries=[entry], sinks=[sink])
    scope = StageScope(app._builder.nodes, stage, ["in"], "app", {}, 1 << 20)
    segment = records_pb2.Segment(keys=[b"k"] * rows, values=[b"v"] * rows)
    result = drive(run_batch(scope, pb.Batch(segments=[segment]), ask, BatchControl())).result
    assert list(result.outputs.inputs) == list(range(rows))
