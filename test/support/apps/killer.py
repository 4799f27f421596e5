"""killer.ts in Python: counts the records of each key in a store and sends ``<count> <value>``. With
some values it comes no further than that: ``kill`` ends the process, ``fail`` raises, ``reject`` asks
for a dead letter."""

import os
import signal

from outrigger import App, DeadLetter, ProcessorContext, Record, int64, key_value_store, utf8

COUNTS = key_value_store("counts", key=utf8, value=int64)


def count(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
    store = ctx.store(COUNTS)
    total = (store.get(record.key) or 0) + 1
    store.put(record.key, total)
    ctx.forward(record.key, f"{total} {record.value}")
    if record.value == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if record.value == "fail":
        raise ValueError("half-way")
    if record.value == "reject":
        raise DeadLetter("no use")


app = App(default_key=utf8, default_value=utf8)
counted = app.stream(os.environ["OUTRIGGER_TEST_IN"]).process(count, stores=[COUNTS], name="count")
counted.to(os.environ["OUTRIGGER_TEST_OUT"])
app.run(handle_signals=True)
