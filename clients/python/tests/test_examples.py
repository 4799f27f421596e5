"""The examples that are nothing but a topology, on the sidecar's kernel."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

from outrigger import int64, nullable, utf8
from outrigger.testing import TestDriver, TestRecord

Drive = Callable[..., TestDriver]
EXAMPLES = Path(__file__).parent.parent / "examples"
MINUTE_MS = 60_000


def outputs(
    driver: Drive, example: str, topics: tuple[str, str], records: list[tuple[int, str, str]]
) -> list[str]:
    """What comes of the records, as ``key=value timestamp``."""
    app = runpy.run_path(str(EXAMPLES / f"{example}.py"))["app"]
    running = driver(app)
    source, sink = topics
    piped = [TestRecord(key, value, timestamp=at * MINUTE_MS) for at, key, value in records]
    running.pipe(source, piped, key=utf8, value=utf8)
    read = running.read(sink, key=utf8, value=nullable(int64))
    return [f"{each.key}={each.value} {each.timestamp}" for each in read]


def test_window_counts_counts_each_five_minutes(outrigger_driver: Drive) -> None:
    # The last one is late: its window ended as the record before it came.
    records = [(0, "a", "x"), (4, "a", "y"), (4, "b", "z"), (5, "a", "x"), (4, "a", "y")]
    topics = ("events", "event-counts")
    assert outputs(outrigger_driver, "window_counts", topics, records) == [
        "a@0=1 0",
        "a@0=2 240000",
        "b@0=1 240000",
        "a@300000=1 300000",
    ]


def test_word_totals_counts_over_all_sentences(outrigger_driver: Drive) -> None:
    records = [(1, "a", "One, two"), (2, "b", "two THREE"), (3, "c", "")]
    topics = ("sentences", "word-totals")
    assert outputs(outrigger_driver, "word_totals", topics, records) == [
        "one=1 60000",
        "two=1 60000",
        "two=2 120000",
        "three=1 120000",
    ]


def test_visits_takes_back_what_a_longer_visit_has_taken_in(outrigger_driver: Drive) -> None:
    records = [(minute, "ada", "/") for minute in (0, 30, 61)]
    assert outputs(outrigger_driver, "visits", ("clicks", "visits"), records) == [
        "ada 0-0=1 0",
        "ada 0-0=None 0",
        "ada 0-1800000=2 1800000",
        "ada 3660000-3660000=1 3660000",
    ]
