"""How many clicks each visit has: a visit ends where a user clicks nothing for half an hour."""

from outrigger import App, KeyValue, Record, Windowed, int64, nullable, session, utf8

Count = int | None


def by_visit(count: Record[Windowed[str], Count]) -> KeyValue[str, Count]:
    # A visit that goes on has another window: what was told of the last one is taken back, as None.
    user, window = count.key
    return KeyValue(f"{user} {window.start}-{window.end}", count.value)


app = App()
visits = app.stream("clicks", key=utf8, value=utf8).group_by_key().windowed_by(session("30m"))
counts = visits.count(store="clicks-by-visit").map(by_visit)
counts.to("visits", key=utf8, value=nullable(int64))
if __name__ == "__main__":
    app.run(handle_signals=True)
