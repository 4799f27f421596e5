"""The topologies of docs/sdks.md beside ``process``: the builders' calls, each with little code
behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from outrigger import (
    App,
    AsyncFixedKeyProcessorContext,
    AsyncProcessorContext,
    BufferConfig,
    EmitStrategy,
    FiredTimer,
    FixedKeyProcessorContext,
    KStream,
    ProcessorContext,
    Punctuator,
    Record,
    Suppressed,
    TimerClock,
    TimestampedKeyValueStore,
    ValueAndTimestamp,
    Windowed,
    hopping,
    int32,
    int64,
    nullable,
    session,
    sliding,
    timestamped_key_value_store,
    tumbling,
    utf8,
)

Text = str | None
Commands = KStream[Text, Text]

TEXT = nullable(utf8)


def builders(app: App) -> dict[str, Callable[[], None]]:
    def of(declare: Callable[[Commands], None]) -> Callable[[], None]:
        return lambda: declare(app.stream("commands", key=TEXT, value=TEXT, name="commands"))

    def merge(commands: Commands) -> None:
        others = app.stream("others", key=TEXT, value=TEXT, name="others")
        both = commands.merge(commands.map_values(mark, name="mark")).merge(others)
        both.map_values(upper, name="upper").to("results", key=TEXT, value=TEXT, name="results")

    return {
        "stateless": of(stateless),
        "aggregate": of(aggregate),
        "windowed": of(windowed),
        "count": of(count),
        "operations": of(operations),
        "branches": of(branches),
        "merge": of(merge),
        "sum": of(sum_of_lengths),
        "hopping": of(hopping_fold),
        "sliding": of(sliding_max),
        "sliding-fold": of(sliding_fold),
        "session": of(session_fold),
        "session-count": of(session_count),
        "held-back": of(held_back),
        "emitted": of(emitted),
        "closing-fold": of(lambda commands: hopping_fold(commands, EmitStrategy.on_window_close())),
        "committing-fold": of(lambda commands: reduce(commands, EmitStrategy.on_commit())),
        "reduce": of(reduce),
        "repartition": of(repartition),
        "regroup": of(regroup),
        "timestamped": of(timestamped),
        "chosen": of(chosen),
        "timers": of(timers),
    }


def may_fail(value: Text) -> None:
    if value == "fail":
        raise ValueError("told to fail")


def append(_: Text, value: Text, folded: str) -> str:
    may_fail(value)
    return folded + (value or "")


def mark(value: Text) -> Text:
    return f"{value or ''}!"


def upper(value: Text) -> Text:
    return None if value is None else value.upper()


def length(value: Text) -> int | None:
    return None if value is None else len(value)


def begins(record: Record[Text, Text], text: str) -> bool:
    return record.value is not None and record.value.startswith(text)


def unwindowed(record: Record[Windowed[Text], Any]) -> tuple[str, str | None]:
    key, (start, end) = record.key
    return f"{key}@{start}-{end}", None if record.value is None else str(record.value)


def stateless(commands: Commands) -> None:
    (
        commands.filter(lambda r: r.value is not None and not begins(r, "drop"), name="keep")
        .map_values(upper, name="upper")
        .map(lambda r: (r.value, r.key), name="swap")
        .to("results", key=TEXT, value=TEXT, name="results")
    )


def aggregate(commands: Commands) -> None:
    folds = commands.group_by_key().aggregate(str, append, value=utf8, store="folds", name="fold")
    folds.to("results", key=TEXT, value=utf8, name="results")


def windowed(commands: Commands) -> None:
    (
        commands.group_by_key()
        .windowed_by(tumbling("1m"))
        .aggregate(str, append, value=utf8, store="folds", name="fold")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def count(commands: Commands) -> None:
    (
        commands.group_by_key()
        .windowed_by(tumbling("1m"))
        .count(store="counts", name="count")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def stamp(record: Record[Text, Text], ctx: FixedKeyProcessorContext[Text]) -> None:
    ctx.forward(upper(record.value))
    ctx.forward(record.value, timestamp=record.timestamp + 1)


async def stamp_async(record: Record[Text, Text], ctx: AsyncFixedKeyProcessorContext[Text]) -> None:
    ctx.forward(upper(record.value))
    await asyncio.sleep(0)
    ctx.forward(record.value, timestamp=record.timestamp + 1)


def rekeyed(record: Record[Text, Text]) -> Text:
    return (record.value or "").split(":")[0]


def words(value: Text) -> list[Text]:
    return [*(value or "").split(" ")]


def both_ways(record: Record[Text, Text]) -> list[tuple[Text, Text]]:
    return [(record.key, record.value), (record.value, record.key)]


def operations(commands: Commands) -> None:
    twice = (
        commands.filter_not(lambda r: r.value is None or begins(r, "drop"), name="drop")
        .peek(lambda r: may_fail(r.value), name="seen")
        .select_key(rekeyed, name="rekey")
        .flat_map_values(words, name="words")
        .flat_map(both_ways, name="twice")
    )
    if os.environ.get("OUTRIGGER_CONFORMANCE_HANDLER") == "async":
        stamped = twice.process_values(stamp_async, name="stamp")
    else:
        stamped = twice.process_values(stamp, name="stamp")
    stamped.to("results", key=TEXT, value=TEXT, name="results")


def branches(commands: Commands) -> None:
    first = (
        commands.split(name="route")
        .branch(lambda r: r.value is not None and len(r.value) > 3, "long")
        .branch(lambda r: begins(r, "a"), "a")
        .default_branch("rest")
    )
    marked = first["a"].map_values(mark, name="mark")
    last = first["rest"].split(name="last").branch(lambda r: begins(r, "b"), "b")
    merged = first["long"].merge(marked).merge(last.no_default_branch()["b"])
    merged.to("results", key=TEXT, value=TEXT, name="results")


def sum_of_lengths(commands: Commands) -> None:
    (
        commands.map_values(length, name="length")
        .group_by_key(key=TEXT, value=nullable(int64))
        .sum(number="int64", store="sums", name="sum")
        .map_values(str, name="text")
        .to("results", key=TEXT, value=utf8, name="results")
    )


def hopping_fold(commands: Commands, emit: EmitStrategy | None = None) -> None:
    windowed = commands.group_by_key().windowed_by(hopping("1m", advance="20s", grace="10s"))
    (
        (windowed if emit is None else windowed.emit_strategy(emit))
        .aggregate(str, append, value=utf8, store="folds", name="fold")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def sliding_max(commands: Commands) -> None:
    (
        commands.map_values(length, name="length")
        .group_by_key(key=TEXT, value=nullable(int32))
        .windowed_by(sliding("1m", grace="5s"))
        .max(number="int32", store="maxima", name="max")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def sliding_fold(commands: Commands) -> None:
    (
        commands.group_by_key()
        .windowed_by(sliding("1m", grace="5s"))
        .aggregate(str, append, value=utf8, store="folds", name="fold")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def append_until_end(key: Text, value: Text, folded: Text) -> Text:
    return None if value == "end" else append(key, value, folded or "")


def session_fold(commands: Commands) -> None:
    initial: Callable[[], Text] = lambda: "("  # noqa: E731 - typed
    (
        commands.group_by_key()
        .windowed_by(session("1m", grace="10s"))
        .aggregate(
            initial,
            append_until_end,
            lambda _, one, two: f"{one}{two})",
            value=TEXT,
            store="folds",
            name="fold",
        )
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def session_count(commands: Commands) -> None:
    (
        commands.group_by_key()
        .windowed_by(session("1m"))
        .count(store="counts", name="count")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def held_back(commands: Commands) -> None:
    buffer = BufferConfig.emit_early_when_full(max_records=1_000, max_bytes=65_536)
    (
        commands.group_by_key()
        .windowed_by(tumbling("1m"))
        .count(store="counts", name="count")
        .suppress(Suppressed.until_time_limit("30s", buffer), name="hold")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def emitted(commands: Commands) -> None:
    (
        commands.group_by_key()
        .windowed_by(tumbling("1m"))
        .emit_strategy(EmitStrategy.on_window_close())
        .count(store="counts", name="count")
        .map(unwindowed, name="unwindow")
        .to("results", key=utf8, value=TEXT, name="results")
    )


def reduce(commands: Commands, emit: EmitStrategy | None = None) -> None:
    grouped = commands.group_by_key()
    folds = (grouped if emit is None else grouped.emit_strategy(emit)).reduce(
        lambda folded, value: append_until_end(None, value, folded), store="folds", name="fold"
    )
    folds.to("results", key=TEXT, value=TEXT, name="results")


def repartition(commands: Commands) -> None:
    (
        commands.map(lambda r: (r.value, r.key), name="swap")
        .repartition(name="by-value", partitions=3, key=TEXT, value=TEXT)
        .map_values(upper, name="upper")
        .to("results", key=TEXT, value=TEXT, name="results")
    )


def regroup(commands: Commands) -> None:
    (
        commands.group_by(lambda r: r.value, key=TEXT, value=TEXT, name="by-value")
        .aggregate(str, append, value=utf8, store="folds", name="fold")
        .to("results", key=TEXT, value=utf8, name="results")
    )


SEEN = timestamped_key_value_store("seen", key=utf8, value=utf8, ttl="1m")
Entry = tuple[str, ValueAndTimestamp[str]]


def timestamped(commands: Commands) -> None:
    if os.environ.get("OUTRIGGER_CONFORMANCE_HANDLER") == "async":
        results = commands.process(remember_async, stores=[SEEN], name="remember")
    else:
        results = commands.process(remember, stores=[SEEN], name="remember")
    results.to("results", key=TEXT, value=TEXT, name="results")


def order_of(value: Text) -> tuple[str, str]:
    order, _, prefix = (value or "").partition(":")
    return order, prefix


def listed(entries: list[Entry]) -> str:
    return ",".join(f"{key}={entry.value}@{entry.timestamp}" for key, entry in entries)


def written(before: ValueAndTimestamp[str] | None) -> str:
    return "none" if before is None else f"{before.value}@{before.timestamp}"


def remembered(record: Record[Text, Text], put: Any, delete: Any) -> None:
    key = record.key or ""
    if record.value is None:
        delete(key)
    elif record.value == "fixed":
        put(key, record.value, 5)
    else:
        put(key, record.value)


def remember(record: Record[Text, Text], ctx: ProcessorContext[Text, Text]) -> None:
    store: TimestampedKeyValueStore[str, str] = ctx.store(SEEN)
    order, prefix = order_of(record.value)
    if order in ("prefix", "reverse"):
        found = list(store.prefix(prefix, reverse=order == "reverse"))
        ctx.forward(record.key, listed(found))
        return
    before = store.get(record.key or "")
    remembered(record, store.put, store.delete)
    ctx.forward(record.key, written(before))


async def remember_async(
    record: Record[Text, Text], ctx: AsyncProcessorContext[Text, Text]
) -> None:
    store = ctx.store(SEEN)
    order, prefix = order_of(record.value)
    if order in ("prefix", "reverse"):
        found = [entry async for entry in store.prefix(prefix, reverse=order == "reverse")]
        ctx.forward(record.key, listed(found))
        return
    before = await store.get(record.key or "")
    remembered(record, store.put, store.delete)
    ctx.forward(record.key, written(before))


def chosen(commands: Commands) -> None:
    commands.to(
        lambda record: record.value or "",
        topics=["results", "others"],
        key=TEXT,
        value=TEXT,
        name="choose",
    )


def timers(commands: Commands) -> None:
    """The value says what is to be done with timers of the record's key: see docs/sdks.md."""

    def handle(record: Record[Text, Text], ctx: ProcessorContext[Text, Text]) -> None:
        for action in (record.value or "").split("; "):
            what, *rest = action.split(" ")
            clock: TimerClock = "wall_clock" if rest[-1:] == ["wall"] else "stream_time"
            if what == "set":
                ctx.timers.set(rest[0], int(rest[1]), clock=clock)
            elif what == "delete":
                ctx.timers.delete(rest[0], clock=clock)
            elif what == "fail":
                raise RuntimeError("told to fail")

    def on_timer(timer: FiredTimer[Text], ctx: ProcessorContext[Text, Text]) -> None:
        if timer.name == "fail":
            raise RuntimeError(f"fail {timer.key} {timer.idempotency_key}")
        if timer.name == "again":
            ctx.timers.set(timer.name, timer.time + 1_000, clock=timer.clock)
        clock = "wall" if timer.clock == "wall_clock" else "stream"
        ctx.forward(timer.key, f"{timer.name} {timer.time} {clock}")

    def beat(timestamp: int, ctx: ProcessorContext[Text, Text]) -> None:
        ctx.forward(None, f"beat {timestamp}")

    punctuators = [Punctuator("beat", "1m", beat, clock="wall_clock")]
    waiting = commands.process(handle, name="wait", on_timer=on_timer, punctuators=punctuators)
    waiting.to("results", key=TEXT, value=TEXT, name="results")
