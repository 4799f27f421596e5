"""Timers and punctuators, by the test driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from outrigger import (
    App,
    AsyncFixedKeyProcessorContext,
    AsyncProcessorContext,
    FailurePolicy,
    FiredTimer,
    FixedKeyProcessorContext,
    ProcessorContext,
    Punctuator,
    Record,
    key_value_store,
    utf8,
)
from outrigger.gen import topology_pb2 as pb
from outrigger.testing import (
    COMMIT_FAILED,
    REDELIVER,
    UNKNOWN_OUTCOME,
    TestDriver,
    TestRecord,
)

Drive = Callable[..., TestDriver]
TEXT: dict[str, Any] = {"key": utf8, "value": utf8}
START_MS = 1_000_000
MINUTE_MS = 60_000
LAST = key_value_store("last", **TEXT)
GIVES_UP = FailurePolicy(retry_max=0, exhausted="dead_letter")


def obey(value: str, ctx: Any) -> None:
    """``set NAME TIME [CLOCK]``, ``delete NAME [CLOCK]``, ``fail``; several by ``;``."""
    for command in value.split(";"):
        what, *rest = command.split()
        if what == "set":
            name, at, *clock = rest
            ctx.timers.set(name, int(at), **({"clock": clock[0]} if clock else {}))
        elif what == "delete":
            name, *clock = rest
            ctx.timers.delete(name, **({"clock": clock[0]} if clock else {}))
        elif what == "fail":
            raise ValueError("no")


def blocking(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
    ctx.store(LAST).put(record.key, record.value)
    obey(record.value, ctx)


def fired(timer: FiredTimer[str], ctx: ProcessorContext[str, str]) -> None:
    if timer.name == "poison":
        raise ValueError("no timer")
    if timer.name == "rival":
        ctx.timers.delete("victim")
    if timer.name == "again":
        ctx.timers.set("again", timer.time + MINUTE_MS)
    assert timer.idempotency_key.startswith("timed/timed-wait-timers-0@")
    last = ctx.store(LAST).get(timer.key)
    ctx.forward(timer.key, f"{timer.name} {timer.time} {timer.clock} {last}")


async def waiting(record: Record[str, str], ctx: AsyncProcessorContext[str, str]) -> None:
    ctx.store(LAST).put(record.key, record.value)
    await asyncio.sleep(0)
    obey(record.value, ctx)


async def fired_later(timer: FiredTimer[str], ctx: AsyncProcessorContext[str, str]) -> None:
    last = await ctx.store(LAST).get(timer.key)
    ctx.forward(timer.key, f"{timer.name} {timer.time} {timer.clock} {last}")


def timed(handler: Any = blocking, on_timer: Any = fired) -> App:
    app = App(application_id="timed")
    processed = app.stream("in", **TEXT).process(
        handler, name="wait", stores=[LAST], failure_policy=GIVES_UP, on_timer=on_timer
    )
    processed.to("out", **TEXT)
    return app


def at(key: str, timestamp: int, value: str) -> TestRecord[str, str]:
    return TestRecord(key, value, timestamp=timestamp)


def told(driver: TestDriver) -> list[str]:
    read = driver.read("out", **TEXT)
    return [f"{each.key}@{each.timestamp}: {each.value}" for each in read]


def names(driver: TestDriver) -> list[str]:
    return [each.value.split()[0] for each in driver.read("out", **TEXT)]


@pytest.mark.parametrize(
    ("handler", "on_timer"), [(blocking, fired), (waiting, fired_later)], ids=["def", "async"]
)
def test_a_timer_fires_once_when_stream_time_has_reached_it(
    handler: Any, on_timer: Any, outrigger_driver: Drive
) -> None:
    driver = outrigger_driver(timed(handler, on_timer))
    driver.pipe("in", [at("k", 10, "set a 50"), at("k", 49, "x")], **TEXT)
    assert told(driver) == []
    driver.pipe("in", [at("j", 50, "y")], **TEXT)
    assert told(driver) == ["k@50: a 50 stream_time x"]
    driver.advance_stream_time(1_000)
    assert told(driver) == []


def test_setting_it_again_moves_it_and_deleting_cancels_it(outrigger_driver: Drive) -> None:
    driver = outrigger_driver(timed())
    given = [at("k", 1, "set a 50;set b 60"), at("k", 2, "set a 90;delete b")]
    driver.pipe("in", given, **TEXT)
    driver.advance_stream_time(89)
    assert told(driver) == []
    driver.advance_stream_time(95)
    assert told(driver) == ["k@90: a 90 stream_time set a 90;delete b"]


def test_the_wall_clock_fires_it_and_leaves_stream_time_where_it_was(
    outrigger_driver: Drive,
) -> None:
    driver = outrigger_driver(timed(), wall_clock=START_MS)
    due = START_MS + MINUTE_MS
    value = f"set w {due} wall_clock;set v {due} wall_clock;delete v wall_clock;set s 500"
    driver.pipe("in", [at("k", 1, value)], **TEXT)
    driver.advance_wall_clock(MINUTE_MS - 1)
    assert told(driver) == []
    driver.advance_wall_clock(1)
    assert told(driver) == [f"k@{due}: w {due} wall_clock {value}"]
    driver.advance_stream_time(500)
    assert names(driver) == ["s"]


def test_a_handler_cancels_what_is_due_beside_it_and_sets_anew(outrigger_driver: Drive) -> None:
    driver = outrigger_driver(timed())
    driver.pipe("in", [at("k", 1, "set rival 10;set victim 11;set again 12")], **TEXT)
    driver.advance_stream_time(20)
    assert names(driver) == ["rival", "again"]
    driver.advance_stream_time(12 + MINUTE_MS)
    assert names(driver) == ["again"]


def test_a_record_that_fails_sets_nothing_and_a_timer_that_fails_has_a_dead_letter(
    outrigger_driver: Drive,
) -> None:
    letters = {"errors.dead.letter.queue.topic.name": "dead"}
    driver = outrigger_driver(timed(), settings=letters)
    given = [at("k", 1, "set a 5;fail"), at("k", 2, "set poison 5;set b 6")]
    driver.pipe("in", given, **TEXT)
    driver.advance_stream_time(10)
    assert names(driver) == ["b"]
    assert [letter.key for letter in driver.read("dead", key=utf8)] == ["k", "k"]


@pytest.mark.parametrize("fault", [COMMIT_FAILED, REDELIVER, UNKNOWN_OUTCOME])
def test_faults_of_the_commit_neither_lose_nor_double_it(
    outrigger_driver: Drive, fault: Any
) -> None:
    driver = outrigger_driver(timed())
    driver.inject(fault)
    driver.pipe("in", [at("k", 1, "set a 50;set b 60")], **TEXT)
    driver.inject(fault)
    driver.advance_stream_time(70)
    assert names(driver) == ["a", "b"]


def test_punctuators_are_called_as_kafka_streams_calls_them(outrigger_driver: Drive) -> None:
    calls: list[str] = []

    def stream(timestamp: int, ctx: ProcessorContext[Any, str]) -> None:
        calls.append(f"stream {timestamp}")
        ctx.forward(None, "beat")

    def wall(timestamp: int, ctx: ProcessorContext[Any, str]) -> None:
        calls.append(f"wall {timestamp - START_MS}")

    def ignore(record: Record[str, str], ctx: ProcessorContext[Any, str]) -> None: ...

    app = App(application_id="punctuated")
    punctuators = [
        Punctuator("stream", 100, stream),
        Punctuator("wall", "1m", wall, clock="wall_clock"),
    ]
    app.stream("in", **TEXT).process(ignore, name="tick", punctuators=punctuators).to(
        "out", value=utf8
    )
    driver = outrigger_driver(app, wall_clock=START_MS)

    def since() -> list[str]:
        said, calls[:] = calls[:], []
        return said

    for timestamp, wanted in [(150, ["stream 150"]), (199, []), (200, ["stream 200"])]:
        driver.pipe("in", [at("k", timestamp, "x")], **TEXT)
        assert since() == wanted
    # What was missed is one call.
    driver.pipe("in", [at("k", 601, "x")], **TEXT)
    assert since() == ["stream 601"]
    driver.advance_wall_clock(MINUTE_MS)
    assert since() == [f"wall {MINUTE_MS}"]
    driver.advance_wall_clock(MINUTE_MS - 1)
    assert since() == []
    assert [each.value for each in driver.read("out", value=utf8)] == ["beat"] * 3


def test_process_values_has_timers_and_what_they_forward_keeps_the_key(
    outrigger_driver: Drive,
) -> None:
    def remind(record: Record[str, str], ctx: FixedKeyProcessorContext[str]) -> None:
        obey(record.value, ctx)

    def reminded(timer: FiredTimer[str], ctx: FixedKeyProcessorContext[str]) -> None:
        ctx.forward(f"{timer.name} {timer.time}")

    async def remind_later(
        record: Record[str, str], ctx: AsyncFixedKeyProcessorContext[str]
    ) -> None:
        obey(record.value, ctx)

    async def reminded_later(
        timer: FiredTimer[str], ctx: AsyncFixedKeyProcessorContext[str]
    ) -> None:
        ctx.forward(f"later {timer.name} {timer.time}")

    app = App(application_id="values")
    stream = app.stream("in", **TEXT)
    stream.process_values(remind, name="now", on_timer=reminded).to("out", **TEXT)
    stream.process_values(remind_later, name="later", on_timer=reminded_later).to("out", **TEXT)
    driver = outrigger_driver(app)
    driver.pipe("in", [at("k", 1, "set a 50;set b 60"), at("j", 2, "set a 50;delete a")], **TEXT)
    driver.advance_stream_time(55)
    assert sorted(told(driver)) == ["k@50: a 50", "k@50: later a 50"]
    driver.pipe("in", [at("k", 56, "delete b")], **TEXT)
    driver.advance_stream_time(100)
    assert told(driver) == []


def test_they_are_declared_of_their_node() -> None:
    def wall(timestamp: int, ctx: Any) -> None: ...

    app = App()
    stream = app.stream("in", **TEXT)
    stream.process(blocking, name="plain", stores=[LAST])
    stream.process(blocking, name="timed", stores=[LAST], on_timer=fired)
    ticks = [Punctuator("tick", "2s", wall, clock="wall_clock")]
    stream.process(blocking, name="ticking", stores=[LAST], punctuators=ticks)
    stream.process_values(lambda record, ctx: None, name="v", on_timer=lambda timer, ctx: None)
    functions = {node.name: node.function for node in app._builder.build().nodes[1:]}
    has_timers = [name for name, function in functions.items() if function.timers]
    assert has_timers == ["timed", "v"]
    (tick,) = functions["ticking"].punctuators
    assert (tick.name, tick.interval_ms) == ("tick", 2_000)
    assert tick.clock == pb.TIMER_CLOCK_WALL_CLOCK_TIME
    assert len(functions["plain"].punctuators) == 0
    with pytest.raises(ValueError, match="is no clock"):
        Punctuator("tick", "1s", wall, clock="sundial")  # type: ignore[arg-type]


def test_what_cannot_be_set_fails_its_record_and_says_why(outrigger_driver: Drive) -> None:
    said: list[str] = []

    def attempt(record: Record[Any, str], ctx: ProcessorContext[Any, str]) -> None:
        for name, time in [("a", -1), ("b" * 256, 1), ("c", 1)]:
            try:
                ctx.timers.set(name, time)
            except (TypeError, ValueError, LookupError, RuntimeError) as error:
                said.append(str(error))

    app = App(application_id="wrong")
    stream = app.stream("in", value=utf8)
    stream.process(attempt, name="some", on_timer=lambda timer, ctx: None)
    stream.process(attempt, name="none")
    driver = outrigger_driver(app)
    driver.pipe("in", [TestRecord(b"k", "x")], value=utf8)
    assert any("cannot be set to -1" in line for line in said)
    assert any("256 bytes: it may have 255" in line for line in said)
    assert any('"none" sets a timer, and nothing takes it' in line for line in said)
    said.clear()
    driver.pipe("in", [TestRecord(None, "x")], value=utf8)
    assert any("the record has no key" in line for line in said)
