from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outrigger import (
    App,
    OutriggerError,
    ProcessorContext,
    Record,
    int64,
    key_value_store,
    tumbling,
    utf8,
)
from outrigger.testing import (
    COMMIT_FAILED,
    REDELIVER,
    UNKNOWN_OUTCOME,
    Settled,
    TestDriver,
    TestDriverError,
    TestRecord,
)

Drive = Callable[..., TestDriver]
TEXT: dict[str, Any] = {"key": utf8, "value": utf8}
MINUTE_MS = 60_000
SEEN = key_value_store("seen", key=utf8, value=utf8)


def storing_app(fails: Callable[[str, int], bool]) -> tuple[App, list[str]]:
    """Writes the store, forwards, and throws where ``fails`` says so; and what came to it."""
    runs: list[str] = []
    app = App()

    def handle(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
        runs.append(record.value)
        ctx.store(SEEN).put(record.key, record.value)
        ctx.forward(record.key, f"{record.value}!")
        if fails(record.value, len(runs)):
            raise ValueError(f"no {record.value}")

    app.stream("in", **TEXT).process(handle, stores=[SEEN]).to("out", **TEXT)
    return app, runs


def values(driver: TestDriver, topic: str = "out") -> list[str]:
    return [record.value for record in driver.read(topic, **TEXT)]


def test_windows_are_counted_and_a_late_record_is_dropped(outrigger_driver: Drive) -> None:
    app = App(application_id="counting")
    counted = app.stream("flights", **TEXT).group_by_key().windowed_by(tumbling("1m"))
    counted.count(store="counts").to("departures", value=int64)
    driver = outrigger_driver(app)
    times = [1_000, 2_000, MINUTE_MS, 3_000]
    flights = [TestRecord("BER", "LH1", timestamp=time) for time in times]
    assert driver.pipe("flights", flights, **TEXT) == Settled(committed=True, waiting="")
    read = driver.read("departures", value=int64)
    assert [(each.value, each.timestamp) for each in read] == [
        (1, 1_000),
        (2, 2_000),
        (1, MINUTE_MS),
    ]
    counts = driver.store("counts", key=utf8, value=int64)
    assert counts.get("BER", 0) == 2
    assert counts.get("BE", 0) is None
    assert counts.entries("BER") == [("BER", 0, 2), ("BER", MINUTE_MS, 1)]


def test_a_handler_that_throws_half_way_leaves_nothing(outrigger_driver: Drive) -> None:
    app, _ = storing_app(lambda value, _: value == "bad")
    driver = outrigger_driver(app, settings={"retry.max": 0})
    driver.pipe("in", [TestRecord("a", "good")], **TEXT)
    with pytest.raises(TestDriverError, match=r"task 0_0: record in-0@1: ValueError: no bad"):
        driver.pipe("in", [TestRecord("a", "bad")], **TEXT)
    assert values(driver) == ["good!"]
    assert driver.store("seen", **TEXT).get("a") == "good"


def test_a_record_is_tried_again_when_the_clock_has_moved(outrigger_driver: Drive) -> None:
    app, runs = storing_app(lambda _, run: run < 2)
    driver = outrigger_driver(app, wall_clock=1_000)
    settled = driver.pipe("in", [TestRecord("a", "x")], **TEXT)
    assert settled == Settled(False, "task 0_0: record in-0@0: ValueError: no x")
    driver.advance_wall_clock(99)
    assert (len(runs), values(driver)) == (1, [])
    assert driver.advance_wall_clock(1).committed
    assert values(driver) == ["x!"]
    assert driver.wall_clock == 1_100


def test_windows_close_when_stream_time_has_moved(outrigger_driver: Drive) -> None:
    app = App()
    (
        app.stream("flights", key=utf8, value=utf8)
        .group_by_key()
        .windowed_by(tumbling("1m"))
        .count(store="counts")
        .to("departures", value=int64)
    )
    driver = outrigger_driver(app)
    driver.pipe("flights", [TestRecord("BER", "LH1", timestamp=1_000)], **TEXT)
    assert driver.advance_stream_time(60_000) == Settled(True, "")
    late = [TestRecord("BER", "LH2", timestamp=time) for time in (59_999, 60_000)]
    driver.pipe("flights", late, **TEXT)
    read = driver.read("departures", value=int64)
    assert [(each.timestamp, each.value) for each in read] == [(1_000, 1), (60_000, 1)]


@pytest.mark.parametrize(
    ("fault", "times"), [(COMMIT_FAILED, 1), (REDELIVER, 2), (UNKNOWN_OUTCOME, 1)]
)
def test_outputs_and_state_come_once(outrigger_driver: Drive, fault: Any, times: int) -> None:
    app, runs = storing_app(lambda *_: False)
    driver = outrigger_driver(app)
    driver.inject(fault)
    settled = driver.pipe("in", [TestRecord("a", "1"), TestRecord("b", "2")], **TEXT)
    assert settled.committed
    assert values(driver) == ["1!", "2!"]
    assert len(runs) == 2 * times
    driver.inject(fault)  # The first was met: else another is refused.
    entries = driver.store("seen", **TEXT).entries()
    assert entries == [("a", None, "1"), ("b", None, "2")]


def test_a_dead_letter_is_a_record_of_its_topic(outrigger_driver: Drive) -> None:
    app, _ = storing_app(lambda value, _: value == "bad")
    letters = {"retry.max": 0, "errors.dead.letter.queue.topic.name": "letters"}
    driver = outrigger_driver(app, settings=letters)
    bad = TestRecord("a", "bad", timestamp=7, headers=[("trace", b"\1"), ("none", None)])
    driver.pipe("in", [bad], **TEXT)
    (letter,) = driver.read("letters", **TEXT)
    assert (letter.key, letter.value, letter.timestamp) == ("a", "bad", 7)
    assert list(letter.headers[:2]) == [("trace", b"\1"), ("none", None)]
    assert values(driver) == []


def test_a_call_that_cannot_be_done_says_why(outrigger_driver: Drive) -> None:
    app, _ = storing_app(lambda *_: False)
    driver = outrigger_driver(app, topics={"in": 2})
    with pytest.raises(TestDriverError, match="partition 2 of in: it has 2, from 0 on"):
        driver.pipe("in", [TestRecord(None, "x", partition=2)], value=utf8)
    with pytest.raises(TestDriverError, match="no store none, its stores are: seen"):
        driver.store("none").entries()


def test_a_topology_that_cannot_run_is_refused_at_the_start() -> None:
    app = App()
    app.stream("in").to("out")
    app.stream("in").to("elsewhere")
    with pytest.raises(OutriggerError, match="TOPOLOGY_INVALID"):
        TestDriver(app)
