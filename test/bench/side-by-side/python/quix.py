"""The three workloads in Quix Streams: exactly-once, commits each 100 ms; the environment says which."""

import os
import struct
from datetime import timedelta

from quixstreams import Application
from quixstreams.models.serializers import Serializer

pair = struct.Struct(">qq")
single = struct.Struct(">q")


class Second(Serializer):
    """What becomes the value of two that belong together; the first becomes the key."""

    def __call__(self, value, ctx):
        return value[1]


def windowed(value, key, timestamp, headers):
    """The window's start behind the key."""
    return key + single.pack(value["start"]), single.pack(value["value"])


def add(value, state):
    count, total = state.get("totals", (0, 0))
    totals = count + 1, total + single.unpack_from(value, 8)[0]
    state.set("totals", totals)
    return pair.pack(*totals)


workload = os.environ["BENCH_WORKLOAD"]
app = Application(
    broker_address=os.environ["BENCH_BOOTSTRAP"],
    consumer_group=os.environ["BENCH_GROUP"],
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=float(os.environ["BENCH_COMMIT_MS"]) / 1000,
    state_dir=os.environ["BENCH_STATE_DIR"],
)
source = app.topic(
    os.environ["BENCH_INPUT"], key_deserializer="bytes", value_deserializer="bytes"
)
sink = app.topic(
    os.environ["BENCH_OUTPUT"],
    key_serializer="bytes",
    value_serializer=Second() if workload == "W2" else "bytes",
)
records = app.dataframe(source)
if workload == "W1":
    records.apply(lambda value: value).to_topic(sink)
elif workload == "W2":
    windows = records.tumbling_window(timedelta(minutes=5), grace_ms=0, name="counts")
    counts = windows.count().current().apply(windowed, metadata=True)
    counts.to_topic(sink, key=lambda value: value[0])
elif workload == "W3":
    records.apply(add, stateful=True).to_topic(sink)
else:
    raise SystemExit(f"BENCH_WORKLOAD {workload} is none of W1, W2, W3")
app.run()
