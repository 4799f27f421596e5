"""Departures and their average delay, by airport and day: the application of the demo."""

from datetime import datetime, timezone
from typing import Any

from outrigger import App, KeyValue, Record, Windowed, json, tumbling, utf8


def add(_: str, flight: Any, total: Any) -> Any:
    return {"count": total["count"] + 1, "delaySum": total["delaySum"] + flight["delay"]}


def by_day(total: Record[Windowed[str], Any]) -> KeyValue[str, Any]:
    airport, window = total.key
    day = datetime.fromtimestamp(window.start / 1_000, timezone.utc).date()
    count, delay_sum = total.value["count"], total.value["delaySum"]
    return KeyValue(f"{airport} {day}", {"count": count, "averageDelay": delay_sum / count})


app = App()
(
    app.stream("flights", key=utf8, value=json)
    .group_by_key()
    .windowed_by(tumbling("1d"))
    .aggregate(lambda: {"count": 0, "delaySum": 0}, add, store="departures-by-day", value=json)
    .map(by_day)
    .to("departures", key=utf8, value=json)
)
app.run(handle_signals=True)
