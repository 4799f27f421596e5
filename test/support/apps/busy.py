"""Counts the records of each key, and works for ``OUTRIGGER_TEST_BUSY_MS`` of its thread's time on each."""

import os
import time

from outrigger import App, ProcessorContext, Record, int64, key_value_store, utf8

COUNTS = key_value_store("counts", key=utf8, value=int64)
BUSY_SECONDS = float(os.environ.get("OUTRIGGER_TEST_BUSY_MS", "5")) / 1_000


def count(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
    until = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < until:
        pass
    store = ctx.store(COUNTS)
    total = (store.get(record.key) or 0) + 1
    store.put(record.key, total)
    ctx.forward(record.key, f"{total} {record.value}")


app = App(default_key=utf8, default_value=utf8)
counted = app.stream(os.environ["OUTRIGGER_TEST_IN"]).process(count, stores=[COUNTS], name="count")
counted.to(os.environ["OUTRIGGER_TEST_OUT"])
app.run(handle_signals=True)
