"""How often each word has come: a count for each word of each line, as soon as it comes."""

import re

from outrigger import App, ProcessorContext, Record, int64, key_value_store, raw, utf8

counts = key_value_store("word-counts", key=utf8, value=int64)


def count_words(line: Record[bytes | None, str], ctx: ProcessorContext[str, int]) -> None:
    store = ctx.store(counts)
    for word in re.findall("[a-z]+", line.value.lower()):
        count = (store.get(word) or 0) + 1
        store.put(word, count)
        ctx.forward(word, count)


app = App()
lines = app.stream("lines", key=raw, value=utf8)
lines.process(count_words, stores=[counts]).to("word-counts", key=utf8, value=int64)
app.run(handle_signals=True)
