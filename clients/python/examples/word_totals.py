"""How often each word has come, in whatever partition: each goes to the task that counts it."""

import re

from outrigger import App, int64, utf8

app = App(default_key=utf8, default_value=utf8)
(
    app.stream("sentences", key=utf8, value=utf8)
    .flat_map_values(lambda sentence: re.findall("[a-z]+", sentence.lower()))
    .group_by(lambda r: r.value)
    .count(store="word-totals")
    .to("word-totals", key=utf8, value=int64)
)
if __name__ == "__main__":
    app.run(handle_signals=True)
