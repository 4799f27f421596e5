from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_sidecar import FakeSidecar, columns, mutations_of, outputs_of

from outrigger import (
    App,
    AsyncFixedKeyProcessorContext,
    FixedKeyProcessorContext,
    KStream,
    Record,
    Serde,
    SessionWindows,
    Windowed,
    double,
    hopping,
    int32,
    int64,
    json,
    key_value_store,
    nullable,
    raw,
    session,
    session_windowed,
    sliding,
    tumbling,
    utf8,
    windowed,
)
from outrigger.gen import processor_pb2
from outrigger.gen import topology_pb2 as pb

TEXT = nullable(utf8)
BYTES: Serde[Any] = raw


def declared(app: App) -> list[str]:
    lines = []
    for node in app._builder.build().nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            kind = pb.Operation.Name(node.function.operation).removeprefix("OPERATION_")
        lines.append(f"{'+'.join(node.parents)} > {node.name}: {kind}")
    return lines


def input_of(app: App, name: str) -> tuple[Serde[Any], Serde[Any]]:
    node = app._builder.nodes[name].input
    return node.key, node.value


def test_each_operation_is_a_node_of_its_kind() -> None:
    app = App(default_key=utf8, default_value=utf8)
    (
        app.stream("in")
        .filter_not(bool)
        .select_key(lambda r: r.value)
        .flat_map(lambda r: [(r.key, r.value)])
        .flat_map_values(lambda value: [value])
        .peek(print)
        .process_values(lambda record, ctx: None)
        .repartition(partitions=4)
        .group_by_key()
        .sum(number="int64")
    )
    assert declared(app) == [
        " > source-01: source",
        "source-01 > function-02: FILTER",
        "function-02 > function-03: SELECT_KEY",
        "function-03 > function-04: FLAT_MAP",
        "function-04 > function-05: FLAT_MAP_VALUES",
        "function-05 > function-06: PEEK",
        "function-06 > function-07: PROCESS_VALUES",
        "function-07 > repartition-08: repartition",
        "repartition-08 > aggregate-09: aggregate",
    ]
    topology = app._builder.build()
    assert topology.nodes[7].repartition.partitions == 4
    assert [store.name for store in topology.stores] == ["sum-store-01"]


def test_branches_have_nodes_of_their_own_and_merged_streams_all_parents() -> None:
    app = App(default_key=utf8, default_value=utf8)
    split = app.stream("in", name="in").split(name="s").branch(bool, "big").branch(bool)
    branches = split.default_branch("rest")
    unnamed = branches["big"].split().branch(bool).default_branch()
    assert (list(branches), list(unnamed)) == (["big", "2", "rest"], ["1", "0"])
    branches["2"].merge(branches["rest"]).merge(unnamed["0"]).to("out")
    assert declared(app) == [
        " > in: source",
        "in > s: BRANCH",
        "s > s-big: PEEK",
        "s > s-2: PEEK",
        "s > s-rest: PEEK",
        "s-big > function-06: BRANCH",
        "function-06 > function-06-1: PEEK",
        "function-06 > function-06-0: PEEK",
        "s-2+s-rest+function-06-0 > sink-09: sink",
    ]
    with pytest.raises(ValueError, match='branches of "s" are complete'):
        split.branch(bool, "more")


def test_serdes_are_known_as_far_as_no_code_may_have_changed_the_type() -> None:
    app = App(default_key=raw, default_value=raw)
    stream: KStream[Any, Any] = app.stream("in", key=utf8, value=int64)
    store = key_value_store("store", key=utf8, value=utf8)
    streams: dict[str, KStream[Any, Any]] = {
        "source": stream,
        "kept": stream.filter(bool).peek(print),
        "branch": stream.split().default_branch()["0"],
        "values": stream.map_values(str),
        "flat values": stream.flat_map_values(list),
        "process values": stream.process_values(lambda record, ctx: None, stores=[store]),
        "key": stream.select_key(lambda r: 0),
        "both": stream.map(lambda r: (r.key, r.value)),
        "flat both": stream.flat_map(lambda r: []),
        "process": stream.process(lambda record, ctx: None),
    }
    found = {}
    for name, each in streams.items():
        each.group_by_key().count(name=name)
        found[name] = input_of(app, name)
    assert found == {
        "source": (utf8, int64),
        "kept": (utf8, int64),
        "branch": (utf8, int64),
        "values": (utf8, raw),
        "flat values": (utf8, raw),
        "process values": (utf8, raw),
        "key": (raw, int64),
        "both": (raw, raw),
        "flat both": (raw, raw),
        "process": (raw, raw),
    }
    assert app._builder.build().stores[0].name == "store"


def test_groupings_repartitions_and_results_say_their_serdes() -> None:
    app = App()
    stream = app.stream("in", key=utf8, value=json)
    grouped = stream.group_by(lambda r: 1.5, key=double, value=json, name="g")
    grouped.count(name="c").group_by_key().count(name="of count")
    of_reduce = grouped.windowed_by(tumbling(5)).reduce(lambda one, two: one, name="r")
    of_reduce.group_by_key().count(name="of reduce")
    of_max = grouped.windowed_by(sliding(7)).max(number="int32")
    of_max.group_by_key().count(name="of max")
    grouped.windowed_by(session(5)).count().group_by_key().count(name="of session")
    stream.repartition(name="p", value=utf8).group_by_key().count(name="of repartition")
    wanted: dict[str, tuple[Serde[Any], Serde[Any]]] = {
        "g": (utf8, json),
        "c": (double, json),
        "r": (double, json),
        "of count": (double, int64),
        "of reduce": (windowed(double, 5), json),
        "of max": (windowed(double, 7), int32),
        "of session": (session_windowed(double), nullable(int64)),
        "p": (utf8, utf8),
        "of repartition": (utf8, utf8),
    }
    for name, (key, value) in wanted.items():
        found_key, found_value = input_of(app, name)
        assert found_key.is_same_as(key) and found_value.is_same_as(value), name
    nodes = {node.name: node for node in app._builder.build().nodes}
    assert nodes["c"].aggregate.repartition == "g"
    assert nodes["of count"].aggregate.repartition == ""


def test_windows_and_numbers_are_declared() -> None:
    app = App()
    grouped = app.stream("in").group_by_key()
    grouped.windowed_by(hopping("1m", advance="20s", grace=5)).min(number="float64")
    grouped.windowed_by(sliding(0)).count()
    sessions = grouped.windowed_by(session("1s", grace=1))
    sessions.aggregate(int, lambda k, v, s: s, lambda k, one, two: one + two, value=json)
    topology = app._builder.build()
    smallest, count, fold = (node.aggregate for node in topology.nodes[1:])
    assert (smallest.aggregator, smallest.number) == (
        pb.AGGREGATOR_MIN,
        pb.NUMBER_TYPE_FLOAT64,
    )
    assert smallest.hopping == pb.HoppingWindows(size_ms=60_000, advance_ms=20_000, grace_ms=5)
    assert count.HasField("sliding") and not count.HasField("tumbling")
    assert fold.session == pb.SessionWindows(gap_ms=1_000, grace_ms=1)
    assert [(store.name, store.kind) for store in topology.stores] == [
        ("min-store-01", pb.STORE_KIND_WINDOW),
        ("count-store-02", pb.STORE_KIND_WINDOW),
        ("aggregate-store-03", pb.STORE_KIND_SESSION),
    ]
    with pytest.raises(ValueError, match="no number"):
        grouped.sum(number="decimal")  # type: ignore[arg-type]


def test_windows_that_hold_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="an advance of 0 is none"):
        hopping("1m", advance=0)
    with pytest.raises(ValueError, match="records in between would be in none"):
        hopping("1m", advance="61s")
    with pytest.raises(ValueError, match="a gap of '0s' is none"):
        session("0s")
    with pytest.raises(ValueError, match="partitions is none"):
        App().stream("in").repartition(partitions=-1)


def test_streams_merge_that_are_written_alike_or_unknown() -> None:
    app = App()
    left: KStream[Any, Any] = app.stream("a", key=utf8, value=nullable(json), name="a")
    right: KStream[Any, Any] = app.stream("b", key=utf8, value=nullable(json), name="b")
    left.merge(right).group_by_key().count(name="c")
    right.map_values(str).merge(left).group_by_key().count(name="d")
    assert input_of(app, "d") == input_of(app, "a")
    with pytest.raises(ValueError, match='"a" would be in the merged stream twice'):
        left.merge(left)
    with pytest.raises(ValueError, match='the same value serde, those of "a" and "other"'):
        left.merge(app.stream("other", key=utf8, value=utf8, name="other"))
    with pytest.raises(ValueError, match="two applications"):
        left.merge(App().stream("a"))


def test_what_the_sinks_name_is_written_with_the_serdes_of_that_node() -> None:
    sidecar = FakeSidecar()
    lengths = sidecar.source.map_values(len, name="length")
    lengths.group_by_key(value=int64).sum(number="int64", name="sum")
    lengths.map_values(str, name="text").to("t", name="out")
    sidecar.welcome("length", sinks=["out", "sum"])
    sidecar.batch(("k", "four"))
    outputs = sidecar.result().outputs
    assert list(outputs.sinks) == [1, 0]
    assert list(outputs.values) == [int64.serialize(4), b"4"]


def test_a_node_whose_rows_cannot_be_written_is_named() -> None:
    sidecar = FakeSidecar()
    sidecar.source.map(lambda r: (r.key, 7), name="m").group_by_key(value=BYTES).count(name="c")
    sidecar.welcome("m", sinks=["c"])
    sidecar.batch(("k", "v"))
    failure = sidecar.result().failure
    assert (failure.node, failure.type) == ("c", "TypeError")
    assert "raw takes bytes: name its serde" in failure.message


def test_a_built_in_node_that_is_no_sink_of_the_stage_ends_the_stream() -> None:
    sidecar = FakeSidecar()
    sidecar.source.map_values(str, name="m").group_by_key().count(name="c")
    sidecar.welcome("m", sinks=[])
    sidecar.batch(("k", "v"))
    sidecar.until(lambda: sidecar.rejection is not None)
    assert sidecar.rejection is not None
    assert sidecar.rejection.code == "PROTOCOL_VIOLATION"
    assert '"c", which does not run here' in str(sidecar.rejection)


def test_a_node_of_several_parents_is_made_once() -> None:
    sidecar = FakeSidecar()
    stream = sidecar.source.filter(bool, name="first")
    for _ in range(60):
        stream = stream.merge(stream.filter(bool))
    stream.to("t", name="out")
    sidecar.welcome("first")
    sidecar.batch()
    assert sidecar.result().done == 0


def test_a_stage_waits_only_for_code_of_its_own() -> None:
    sidecar = FakeSidecar()

    async def later(record: Record[str, int], ctx: AsyncFixedKeyProcessorContext[str]) -> None:
        await asyncio.sleep(0)
        ctx.forward(str(record.value))

    running_in: list[bool] = []

    def has_loop(value: str) -> str:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            running_in.append(False)
        else:
            running_in.append(True)
        return value

    stream = sidecar.source.map_values(has_loop, name="m")
    counts = stream.group_by_key(value=utf8).count(name="c")
    counts.process_values(later, name="p").to("t", name="out")
    stage, below = (stage_of("m", "c"), stage_of("p", "out"))
    sidecar.welcome_to(["topic"], stage, below)
    sidecar.batch(("k", "v"))
    assert outputs_of(sidecar.result()) == ["0: k=v"]
    assert running_in == [False]


def stage_of(entry: str, sink: str) -> processor_pb2.Stage:
    return processor_pb2.Stage(entries=[entry], sinks=[sink])


async def forward_async(record: Record[Any, Any], ctx: AsyncFixedKeyProcessorContext[Any]) -> None:
    if str(record.value).startswith("k"):
        await asyncio.sleep(0)
    ctx.forward(record.value)


def forward(record: Record[Any, Any], ctx: FixedKeyProcessorContext[Any]) -> None:
    ctx.forward(record.value)


BOTH = pytest.mark.parametrize("handler", [forward, forward_async])


@BOTH
def test_several_records_for_one_are_handed_on_in_order(handler: Any) -> None:
    sidecar = FakeSidecar()
    (
        sidecar.source.flat_map_values(str.split, name="words")
        .flat_map(lambda r: iter([(r.value, r.key), (r.key, r.value)]))
        .process_values(handler)
        .to("t", name="out")
    )
    sidecar.welcome("words")
    sidecar.batch(("k", "a b"))
    assert outputs_of(sidecar.result()) == ["0: a=k", "0: k=a", "0: b=k", "0: k=b"]


def merging() -> Any:
    """Two sessions and the one that they become with the next record."""
    return columns(
        "one",
        "two",
        None,
        slots=[0, 1, 2],
        slot_counts=[3],
        window_unit_ms=1,
        window_starts=[0, 100, 0],
        session_lengths=[10, 0, 100],
    )


def unwindowed(record: Record[Windowed[str], Any]) -> tuple[str, Any]:
    key, (start, end) = record.key
    return f"{key}@{start}-{end}", record.value


@BOTH
def test_sessions_that_merge_are_reduced_in_their_order(handler: Any) -> None:
    sidecar = FakeSidecar()
    (
        sidecar.source.group_by_key()
        .windowed_by(session(100))
        .reduce(lambda one, two: f"{one}+{two}", store="s", name="r")
        .map(unwindowed)
        .process_values(handler)
        .to("t", value=TEXT, name="out")
    )
    sidecar.welcome("r", stores=["s"])
    sidecar.batch(("k", "new"), states=[merging()])
    result = sidecar.result()
    assert outputs_of(result) == ["0: k@0-10=null", "0: k@100-100=null", "0: k@0-100=one+two+new"]
    assert mutations_of(result) == {"0": None, "1": None, "2": "one+two+new"}


def test_a_merge_is_taken_back_whole_where_what_follows_fails() -> None:
    sidecar = FakeSidecar()

    def refuse(record: Record[Any, Any]) -> bool:
        if record.value is not None:
            raise ValueError("no")
        return True

    (
        sidecar.source.group_by_key()
        .windowed_by(session(100))
        .aggregate(
            str, lambda k, v, s: s + v, lambda k, a, b: a + b, value=utf8, store="s", name="a"
        )
        .map(unwindowed)
        .filter(refuse, name="f")
        .to("t", value=TEXT, name="out")
    )
    sidecar.welcome("a", stores=["s"])
    sidecar.batch(("k", "new"), states=[merging()])
    result = sidecar.result()
    assert (result.done, result.failure.node) == (0, "f")
    assert (outputs_of(result), mutations_of(result)) == ([], {})


def test_null_is_folded_in_sessions_and_not_in_sliding_windows() -> None:
    for windows, wanted in ((session(5), ["0: k@0-0=1"]), (sliding(5), [])):
        sidecar = FakeSidecar(value=TEXT)
        grouped = sidecar.source.group_by_key().windowed_by(windows)
        arguments: list[Any] = [int, lambda key, value, total: total + 1]
        if isinstance(windows, SessionWindows):
            arguments.append(lambda key, one, two: one + two)
        counts = grouped.aggregate(*arguments, value=json, store="s", name="a")
        counts.map(unwindowed).map_values(str).to("t", name="out")
        sidecar.welcome("a", stores=["s"])
        sidecar.batch(("k", None), states=[columns(None, window_steps=[0])])
        assert outputs_of(sidecar.result()) == wanted


def test_the_types_of_results_say_where_values_may_be_gone() -> None:
    # Looked at by mypy.
    grouped = App().stream("in", key=utf8, value=utf8).group_by_key()
    counts: KStream[str, int] = grouped.count()
    by_window: KStream[Windowed[str], int] = grouped.windowed_by(hopping(2, advance=1)).count()
    by_session: KStream[Windowed[str], int | None] = grouped.windowed_by(session(1)).count()
    assert len({id(counts), id(by_window), id(by_session)}) == 3


def test_a_fold_that_comes_to_none_deletes() -> None:
    sidecar = FakeSidecar()
    folds = sidecar.source.group_by_key().reduce(
        lambda folded, value: None if value == "end" else folded + value, store="s", name="r"
    )
    folds.to("t", value=TEXT, name="out")
    sidecar.welcome("r", stores=["s"])
    sidecar.batch(("k", "end"), ("k", "a"), ("k", "b"), states=[columns("x", slots=[0, 0, 0])])
    result = sidecar.result()
    assert outputs_of(result) == ["0: k=null", "1: k=a", "2: k=ab"]
    assert mutations_of(result) == {"0": "ab"}
