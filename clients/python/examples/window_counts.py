"""How many events of each key there are in every 5 minutes."""

from outrigger import App, KeyValue, Record, Windowed, int64, raw, tumbling, utf8


def by_window(count: Record[Windowed[str], int]) -> KeyValue[str, int]:
    key, window = count.key
    return KeyValue(f"{key}@{window.start}", count.value)


app = App()
(
    app.stream("events", key=utf8, value=raw)
    .group_by_key()
    .windowed_by(tumbling("5m"))
    .count(store="counts")
    .map(by_window)
    .to("event-counts", key=utf8, value=int64)
)
if __name__ == "__main__":
    app.run(handle_signals=True)
