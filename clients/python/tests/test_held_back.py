"""What is held back: suppress, and when aggregates forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outrigger import (
    App,
    BufferConfig,
    EmitStrategy,
    Suppressed,
    int64,
    session,
    tumbling,
    utf8,
    windowed,
)
from outrigger.gen import topology_pb2 as pb
from outrigger.testing import TestDriver, TestRecord

Drive = Callable[..., TestDriver]
TEXT: dict[str, Any] = {"key": utf8, "value": utf8}
MINUTE_MS = 60_000


def suppress_of(suppressed: Suppressed) -> pb.Suppress:
    app = App()
    counts = app.stream("in", **TEXT).group_by_key().count()
    counts.suppress(suppressed, name="held").to("out", value=int64)
    node = app._builder.build().nodes[2]
    assert (node.name, list(node.parents)) == ("held", ["aggregate-02"])
    return node.suppress


def test_suppress_is_declared_with_its_time_and_its_buffer() -> None:
    closes = suppress_of(Suppressed.until_window_closes())
    assert closes.HasField("until_window_closes") and not closes.HasField("until_time_limit")
    unbounded = (closes.buffer.max_records, closes.buffer.max_bytes, closes.buffer.when_full)
    assert unbounded == (0, 0, pb.BUFFER_FULL_SHUT_DOWN)
    stops = suppress_of(
        Suppressed.until_window_closes(BufferConfig.shut_down_when_full(max_bytes=1_000))
    )
    bytes_bound = (stops.buffer.max_records, stops.buffer.max_bytes, stops.buffer.when_full)
    assert bytes_bound == (0, 1_000, pb.BUFFER_FULL_SHUT_DOWN)
    early = suppress_of(
        Suppressed.until_time_limit("90s", BufferConfig.emit_early_when_full(max_records=7))
    )
    assert early.until_time_limit.wait_ms == 90_000
    assert not early.HasField("until_window_closes")
    assert (early.buffer.max_records, early.buffer.when_full) == (7, pb.BUFFER_FULL_EMIT_EARLY)


def test_emit_strategies_are_declared_of_the_aggregate() -> None:
    app = App()
    grouped = app.stream("in", **TEXT).group_by_key()
    windows = tumbling("1m")
    grouped.count()
    grouped.emit_strategy(EmitStrategy.on_commit()).count()
    grouped.windowed_by(windows).emit_strategy(EmitStrategy.on_window_close()).count()
    sessions = grouped.windowed_by(session("1m"))
    sessions.emit_strategy(EmitStrategy.on_window_update()).count()
    # What a grouping was told goes with it into windows.
    grouped.emit_strategy(EmitStrategy.on_commit()).windowed_by(windows).count()
    declared = [node.aggregate.emit for node in app._builder.build().nodes[1:]]
    assert declared == [
        pb.EMIT_STRATEGY_UNSPECIFIED,
        pb.EMIT_STRATEGY_ON_COMMIT,
        pb.EMIT_STRATEGY_ON_WINDOW_CLOSE,
        pb.EMIT_STRATEGY_ON_WINDOW_UPDATE,
        pb.EMIT_STRATEGY_ON_COMMIT,
    ]


def test_what_holds_nothing_is_refused_where_it_is_declared() -> None:
    for bound in (0, -1):
        with pytest.raises(ValueError, match=f"a buffer of {bound} is none"):
            BufferConfig.shut_down_when_full(max_records=bound)
        with pytest.raises(ValueError, match=f"a buffer of {bound} is none"):
            BufferConfig.emit_early_when_full(max_bytes=bound)
    with pytest.raises(ValueError):
        Suppressed.until_time_limit("soon")


def counting(held: Suppressed | None, emit: EmitStrategy | None = None) -> App:
    app = App()
    windows = app.stream("in", **TEXT).group_by_key().windowed_by(tumbling("1m", grace=0))
    counted = (windows if emit is None else windows.emit_strategy(emit)).count(store="counts")
    (counted if held is None else counted.suppress(held)).to("out", value=int64)
    return app


@pytest.mark.parametrize(
    "app",
    [
        counting(Suppressed.until_window_closes()),
        counting(None, EmitStrategy.on_window_close()),
    ],
    ids=["suppressed", "on_window_close"],
)
def test_a_window_is_forwarded_once_when_it_closes(app: App, outrigger_driver: Drive) -> None:
    driver = outrigger_driver(app)

    def counts() -> list[tuple[str, int, int]]:
        read = driver.read("out", key=windowed(utf8, MINUTE_MS), value=int64)
        return [(each.key.key, each.key.window.start, each.value) for each in read]

    records = [TestRecord("k", "x", timestamp=at) for at in (1, 2, MINUTE_MS - 1)]
    driver.pipe("in", records, **TEXT)
    assert counts() == []
    driver.pipe("in", [TestRecord("j", "x", timestamp=MINUTE_MS)], **TEXT)
    assert counts() == [("k", 0, 3)]
    driver.advance_stream_time(2 * MINUTE_MS)
    assert counts() == [("j", MINUTE_MS, 1)]


def test_a_key_waits_for_its_time_and_a_full_buffer_lets_the_eldest_go(
    outrigger_driver: Drive,
) -> None:
    buffer = BufferConfig.emit_early_when_full(max_records=2)
    app = App()
    counted = app.stream("in", **TEXT).group_by_key().count()
    counted.suppress(Suppressed.until_time_limit("10s", buffer)).to("out", value=int64)
    driver = outrigger_driver(app)

    def counts() -> list[tuple[str, int]]:
        return [(each.key, each.value) for each in driver.read("out", key=utf8, value=int64)]

    given = [TestRecord("a", "x", timestamp=at) for at in (0, 9_999)]
    driver.pipe("in", given, **TEXT)
    assert counts() == []
    driver.advance_stream_time(10_000)
    assert counts() == [("a", 2)]
    given = [TestRecord(key, "x", timestamp=11_000 + at) for at, key in enumerate("bcd")]
    driver.pipe("in", given, **TEXT)
    assert counts() == [("b", 1)]
