"""What the SDK costs for each record: processor time of reading a batch of 500, running it, and
writing its result, without IO. ``.venv/bin/python scripts/rows.py`` prints a line for each kind."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from concurrent.futures import Future

from outrigger import App, KStream, ProcessorContext, Record, Serde, Windowed, int64, raw, tumbling
from outrigger.batch_run import BatchControl, StageScope, drive, run_batch
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import records_pb2, state_pb2

ROWS = 500
BATCHES = 100
ROUNDS = 9
RESULT_BYTES_MAX = 4 << 20

pair = struct.Struct(">qq")
long = struct.Struct(">q")
totals: Serde[tuple[int, int]] = Serde(
    lambda value: pair.pack(*value), lambda data: pair.unpack(data or b"")
)
Raw = bytes | None
Stream = KStream[Raw, Raw]


def map_values(records: Stream) -> None:
    records.map_values(lambda value: value).to("out", key=raw, value=raw)


def windowed_map(records: Stream) -> None:
    def key_of(record: Record[Windowed[Raw], int]) -> tuple[Raw, int]:
        return (record.key.key or b"") + long.pack(record.key.window.start), record.value

    counts = records.group_by_key().windowed_by(tumbling("5m")).count(store="counts")
    counts.map(key_of).to("out", key=raw, value=int64)


def aggregate(records: Stream) -> None:
    def add(_: Raw, value: Raw, before: tuple[int, int]) -> tuple[int, int]:
        return before[0] + 1, before[1] + long.unpack_from(value or b"", 8)[0]

    sums = records.group_by_key().aggregate(lambda: (0, 0), add, value=totals, store="totals")
    sums.to("out", key=raw, value=totals)


def process(records: Stream) -> None:
    def handler(record: Record[Raw, Raw], context: ProcessorContext[Raw, Raw]) -> None:
        context.forward(record.key, record.value)

    records.process(handler).to("out", key=raw, value=raw)


def batch_of(declare: Callable[[Stream], None]) -> bytes:
    keys = [pair.pack(row * 7919 % 10_000, row) for row in range(ROWS)]
    values = [pair.pack(row, row) + bytes(84) for row in range(ROWS)]
    if declare is windowed_map:
        keys, values = [key + long.pack(300_000) for key in keys], [long.pack(1)] * ROWS
    segment = records_pb2.Segment(
        base_timestamp=1_700_000_000_000, keys=keys, values=values, timestamp_deltas=range(ROWS)
    )
    batch = pb.Batch(dispatch_id=1, task_epoch=1, task_id="0_0", segments=[segment])
    if declare is aggregate:
        batch.states.append(state_pb2.StateColumns(values=[pair.pack(1, 1)] * ROWS))
    return pb.ProcessResponse(batch=batch).SerializeToString()


def scope_of(declare: Callable[[Stream], None]) -> StageScope:
    app = App()
    declare(app.stream("in", key=raw, value=raw))
    nodes = app._builder.nodes
    entry = next(name for name, node in nodes.items() if node.code is not None)
    stores = ["totals"] if declare is aggregate else []
    stage = pb.Stage(entries=[entry], stores=stores, sinks=[list(nodes)[-1]])
    return StageScope(nodes, stage, ["in"], "rows", {}, RESULT_BYTES_MAX)


def ask(_: state_pb2.StateRequest) -> Future[state_pb2.StateResponse]:
    raise AssertionError("all state has travelled")


def main() -> None:
    for declare in (map_values, windowed_map, aggregate, process):
        scope, sent = scope_of(declare), batch_of(declare)
        took = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            for _ in range(BATCHES):
                batch = pb.ProcessResponse.FromString(sent).batch
                result = drive(run_batch(scope, batch, ask, BatchControl()))
                assert result.done == ROWS, result.failure
                pb.ProcessRequest(result=result).SerializeToString()
            took.append((time.process_time() - begun) / BATCHES / ROWS * 1e6)
        print(f"{declare.__name__:12} {min(took):.2f} µs a record")


main()
