"""bulky.ts in Python."""

import os

from outrigger import App, ProcessorContext, Record, key_value_store, raw, utf8

LASTS = key_value_store("lasts", key=utf8, value=raw)


def remember(
    record: Record[str, bytes | None], ctx: ProcessorContext[str, bytes | None]
) -> None:
    store = ctx.store(LASTS)
    before = store.get(record.key)
    store.put(record.key, record.value)
    ctx.forward(record.key, record.value)
    if before is not None:
        ctx.forward(f"{record.key} before", before)
    first = None if record.key == "first" else store.get("first")
    if first is not None:
        ctx.forward(f"{record.key} first", first)


app = App(default_key=utf8, default_value=raw)
source = app.stream(os.environ["OUTRIGGER_TEST_IN"])
source.process(remember, stores=[LASTS], name="remember").to(os.environ["OUTRIGGER_TEST_OUT"])
app.run(handle_signals=True)
