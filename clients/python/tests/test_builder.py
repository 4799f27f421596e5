from __future__ import annotations

import re
from typing import Any

import pytest

from outrigger import (
    App,
    EmitStrategy,
    hopping,
    int64,
    key_value_store,
    session,
    sliding,
    tumbling,
    utf8,
)
from outrigger.gen import topology_pb2 as pb


def declared(app: App) -> pb.Topology:
    return app._builder.build()


def test_names_are_made_from_the_order_of_the_calls() -> None:
    app = App(default_key=utf8, default_value=int64)
    stream = app.stream("in")
    stream.filter(bool).group_by_key().windowed_by(tumbling("5m", grace="1s")).count()
    stream.group_by_key().aggregate(int, lambda key, value, total: total + value, value=int64)
    stream.to("out")
    topology = declared(app)
    names = [node.name for node in topology.nodes]
    assert names == ["source-01", "function-02", "aggregate-03", "aggregate-04", "sink-05"]
    assert [store.name for store in topology.stores] == ["count-store-01", "aggregate-store-02"]
    kinds = [store.kind for store in topology.stores]
    assert kinds == [pb.STORE_KIND_WINDOW, pb.STORE_KIND_KEY_VALUE]
    count = topology.nodes[2].aggregate
    assert count.aggregator == pb.AGGREGATOR_COUNT
    assert (count.tumbling.size_ms, count.tumbling.grace_ms) == (300_000, 1_000)


def test_default_serdes_are_for_sources_and_sinks_that_name_none() -> None:
    app = App(default_key=utf8, default_value=int64)
    app.stream("in").to("out", value=utf8)
    source, sink = app._builder.nodes.values()
    assert (source.input.key, source.input.value) == (utf8, int64)
    assert (sink.input.key, sink.input.value) == (utf8, utf8)


def test_stores_of_process_are_declared_once() -> None:
    store = key_value_store("counts", key=utf8, value=int64)

    def handler(record: Any, ctx: Any) -> None: ...

    app = App()
    app.stream("in").process(handler, stores=[store], name="a").process(handler, stores=[store])
    topology = declared(app)
    assert [node.name for node in topology.nodes] == ["source-01", "a", "function-03"]
    assert list(topology.nodes[1].function.stores) == ["counts"]
    assert topology.nodes[2].parents == ["a"]
    assert len(topology.stores) == 1


def test_one_name_for_two_nodes_is_refused() -> None:
    stream = App().stream("in", name="twice")
    with pytest.raises(ValueError, match='"twice"'):
        stream.filter(bool, name="twice")


def test_one_store_of_two_kinds_is_refused() -> None:
    grouped = App().stream("in").group_by_key()
    grouped.count(store="store")
    with pytest.raises(ValueError, match="two kinds"):
        grouped.windowed_by(tumbling("1m")).count(store="store")


def test_a_stream_reads_topics_by_one_pattern_without_flags() -> None:
    app = App()
    app.stream(re.compile("orders-.*")).to("out")
    source = declared(app).nodes[0].source
    assert (source.pattern, list(source.topics)) == ("orders-.*", [])
    with pytest.raises(ValueError, match="takes no flags"):
        app.stream(re.compile("orders-.*", re.IGNORECASE))
    with pytest.raises(ValueError, match="a stream of each"):
        app.stream("orders", re.compile("orders-.*"))


def test_when_folds_of_the_application_are_forwarded_is_declared() -> None:
    app = App(default_key=utf8, default_value=utf8)
    grouped = app.stream("in").group_by_key()
    on_close, on_commit = EmitStrategy.on_window_close(), EmitStrategy.on_commit()
    grouped.emit_strategy(on_commit).reduce(lambda one, two: one + two, name="all")
    for name, windows in (
        ("tumbling", tumbling("5m")),
        ("hopping", hopping("6m", advance="3m")),
        ("sliding", sliding("7m")),
    ):
        windowed = grouped.windowed_by(windows).emit_strategy(on_close)
        windowed.aggregate(str, lambda key, value, folded: folded + value, value=utf8, name=name)
    sessions = grouped.windowed_by(session("5m")).emit_strategy(on_close)
    sessions.reduce(lambda one, two: one + two, name="session")
    grouped.reduce(lambda one, two: one + two, name="each")
    aggregates = [node for node in declared(app).nodes if node.HasField("aggregate")]
    assert {node.aggregate.aggregator for node in aggregates} == {pb.AGGREGATOR_APPLICATION}
    assert [(node.name, node.aggregate.emit) for node in aggregates] == [
        ("all", pb.EMIT_STRATEGY_ON_COMMIT),
        ("tumbling", pb.EMIT_STRATEGY_ON_WINDOW_CLOSE),
        ("hopping", pb.EMIT_STRATEGY_ON_WINDOW_CLOSE),
        ("sliding", pb.EMIT_STRATEGY_ON_WINDOW_CLOSE),
        ("session", pb.EMIT_STRATEGY_ON_WINDOW_CLOSE),
        ("each", pb.EMIT_STRATEGY_UNSPECIFIED),
    ]
