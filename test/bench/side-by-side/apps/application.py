"""The three workloads of the side-by-side benchmark; which one it is, the environment says."""

import os
import struct

from outrigger import App, Record, Serde, Windowed, int64, raw, tumbling

single = struct.Struct(">q")
pair = struct.Struct(">qq")
pack, unpack = pair.pack, pair.unpack

totals: Serde[tuple[int, int]] = Serde(lambda value: pack(*value), lambda data: unpack(data or b""))


def windowed_key(record: Record[Windowed[bytes | None], int]) -> tuple[bytes, int]:
    """The window's start behind the key."""
    return (record.key.key or b"") + single.pack(record.key.window.start), record.value


def add(key: bytes | None, value: bytes, before: tuple[int, int]) -> tuple[int, int]:
    count, total = before
    (amount,) = single.unpack_from(value, 8)
    return count + 1, total + amount


app = App()
output = os.environ["BENCH_OUTPUT"]
records = app.stream(os.environ["BENCH_INPUT"], key=raw, value=raw)
workload = os.environ["BENCH_WORKLOAD"]
if workload == "W1":
    records.map_values(lambda value: value).to(output, key=raw, value=raw)
elif workload == "W2":
    windows = records.group_by_key().windowed_by(tumbling("5m"))
    windows.count(store="counts").map(windowed_key).to(output, key=raw, value=int64)
elif workload == "W3":
    sums = records.group_by_key().aggregate(lambda: (0, 0), add, value=totals, store="totals")
    sums.to(output, key=raw, value=totals)
else:
    raise SystemExit(f"BENCH_WORKLOAD {workload} is none of W1, W2, W3")
app.run(handle_signals=True)
