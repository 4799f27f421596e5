from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_sidecar import FakeSidecar, columns, outputs_of

from outrigger import (
    App,
    AsyncProcessorContext,
    DeadLetter,
    FailurePolicy,
    KStream,
    Park,
    ProcessorContext,
    Record,
    RetryLater,
    Serde,
    StopTask,
    tumbling,
    utf8,
)
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import topology_pb2

Text = Record[str, str]
Ctx = ProcessorContext[str, str]
AsyncCtx = AsyncProcessorContext[str, str]
Stream = KStream[Any, Any]


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


REFUSING: Serde[str] = Serde(utf8.serialize, failing(DeadLetter("poison")))


def failure_in(build: Callable[[Stream], Stream], value: Serde[Any] = utf8) -> pb.Failure:
    """How one record fails in a topology whose entry is "p" and whose sink is "out"."""
    sidecar = FakeSidecar(utf8, value)
    build(sidecar.source).to("topic-out", key=utf8, value=utf8, name="out")
    sidecar.welcome("p", stores=["s"])
    sidecar.batch(("a", "1"), states=[columns("")])
    result = sidecar.result()
    assert (result.done, outputs_of(result), result.HasField("failure")) == (0, [], True)
    return result.failure


def passing(record: Text, ctx: Ctx | AsyncCtx) -> None:
    ctx.forward(record.key, record.value)


async def passing_async(record: Text, ctx: AsyncCtx) -> None:
    ctx.forward(record.key, record.value)


async def failing_async(record: Text, ctx: AsyncCtx) -> None:
    raise LookupError("waited")


def wrapping(record: Text, ctx: Ctx) -> None:
    try:
        ctx.forward(record.key, record.value)
    except LookupError:
        raise RuntimeError("while it was handled")  # noqa: B904 - on purpose


def forgetting(record: Text, ctx: Ctx) -> None:
    with contextlib.suppress(LookupError):
        ctx.forward(record.key, record.value)
    raise RuntimeError("of my own")


async def failing_late(record: Text, ctx: AsyncCtx) -> None:
    ctx.forward(record.key, record.value)
    raise LookupError("of my own")


DOWN = LookupError("down")


@pytest.mark.parametrize(
    ("node", "build"),
    [
        ("p", lambda s: s.map(failing(DOWN), name="p")),
        ("p", lambda s: s.filter(failing(DOWN), name="p")),
        ("below", lambda s: s.process(passing, name="p").map_values(failing(DOWN), name="below")),
        ("below", lambda s: s.process(passing, name="p").process(failing_async, name="below")),
        ("below", lambda s: s.process(passing_async, name="p").filter(failing(DOWN), name="below")),
        ("p", lambda s: s.process(failing_late, name="p").map_values(str, name="below")),
        ("p", lambda s: s.process(failing_late, name="p").process(failing_async, name="below")),
        ("below", lambda s: s.process(wrapping, name="p").filter(failing(DOWN), name="below")),
        ("p", lambda s: s.process(forgetting, name="p").filter(failing(DOWN), name="below")),
        ("out", lambda s: s.process(passing, name="p").map_values(lambda value: 7)),
    ],
)
def test_a_failure_names_the_innermost_node_whose_code_failed(
    node: str, build: Callable[[Stream], Stream]
) -> None:
    assert failure_in(build).node == node


def test_what_an_entry_cannot_read_is_its_failure_and_its_serde_may_give_the_verdict() -> None:
    failure = failure_in(lambda s: s.process(passing, name="p"), REFUSING)
    assert (failure.type, failure.node) == ("TypeError", "p")
    assert failure.verdict == pb.VERDICT_DEAD_LETTER


def test_an_aggregate_that_folds_on_after_what_it_forwarded_has_waited_is_named() -> None:
    async def waiting(record: Any, ctx: AsyncCtx) -> None: ...

    def fold(key: str, value: str, total: str) -> str:
        if total == "bad":
            raise LookupError("second slot")
        return value

    sidecar = FakeSidecar()
    windows = sidecar.source.group_by_key().windowed_by(tumbling("1m"))
    two = columns("good", "bad", slot_counts=[2], window_starts=[0, 60_000])
    folds = windows.aggregate(str, fold, value=utf8, store="s", name="fold")
    folds.process(waiting, name="below")
    sidecar.welcome("fold", stores=["s"], sinks=[])
    sidecar.batch(("a", "1"), states=[two])
    failure = sidecar.result().failure
    assert (failure.message, failure.node) == ("second slot", "fold")


def test_a_record_fails_with_what_it_forwarded_whatever_its_handler_makes_of_it() -> None:
    def indifferent(record: Text, ctx: Ctx) -> None:
        try:
            ctx.forward(record.key, record.value)
        except StopTask:
            ctx.forward(record.key, record.value)

    count = 0

    def half_done(record: Text, ctx: Ctx) -> None:
        nonlocal count
        count += 1
        ctx.forward(record.key, record.value)
        if count == 1:
            raise StopTask("half done")

    failure = failure_in(
        lambda s: s.process(indifferent, name="p").process(half_done, name="below")
    )
    assert (failure.message, failure.node) == ("half done", "below")
    assert failure.verdict == pb.VERDICT_FAIL


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


BUSY = RetryLater("busy", timedelta(seconds=1.5))


@pytest.mark.parametrize(
    ("error", "verdict", "after_ms"),
    [
        (BUSY, pb.VERDICT_RETRY, 1_500),
        (RetryLater("busy", 0.25), pb.VERDICT_RETRY, 250),
        (RetryLater("busy", 0), pb.VERDICT_RETRY, 0),
        (RetryLater("busy"), pb.VERDICT_RETRY, None),
        (DeadLetter("never"), pb.VERDICT_DEAD_LETTER, None),
        (Park("not now"), pb.VERDICT_PARK, None),
        (StopTask("halt"), pb.VERDICT_FAIL, None),
        (caused(RuntimeError("wrapped"), BUSY), pb.VERDICT_RETRY, 1_500),
        (caused(DeadLetter("outermost"), BUSY), pb.VERDICT_DEAD_LETTER, None),
        (RuntimeError("no word"), pb.VERDICT_UNSPECIFIED, None),
    ],
)
def test_verdicts_are_told_as_the_protocol_has_them(
    error: Exception, verdict: pb.Verdict, after_ms: int | None
) -> None:
    failure = failure_in(lambda s: s.map(failing(error), name="p"))
    said = failure.retry_after_ms if failure.HasField("retry_after_ms") else None
    assert (failure.verdict, said) == (verdict, after_ms)
    assert failure.type == type(error).__name__


def test_what_made_a_verdict_stays_its_cause() -> None:
    failure = failure_in(
        lambda s: s.map(failing(caused(DeadLetter("never"), LookupError("why"))), name="p")
    )
    assert "LookupError: why" in failure.stack


def test_a_circle_of_causes_ends() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    failure = failure_in(lambda s: s.map(failing(caused(first, caused(second, first))), name="p"))
    assert (failure.node, failure.verdict) == ("p", pb.VERDICT_UNSPECIFIED)


def test_an_error_that_cannot_say_what_it_is_fails_its_record_alone() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("mute")

    failure = failure_in(lambda s: s.map(failing(Mute()), name="p"))
    assert (failure.message, failure.node) == ("(it has no text)", "p")
    assert failure.type.endswith("Mute")


def test_a_pause_that_is_none_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValueError, match="give 0 or more"):
        RetryLater("busy", -1)


def test_failure_policies_go_with_every_node_that_has_code() -> None:
    policy = FailurePolicy(0, "250ms", 1.5, timedelta(minutes=1), 0, "skip")
    stream: KStream[Any, Any] = App().stream("in")
    stream.process(passing, failure_policy=policy)
    stream.map(failing(DOWN), failure_policy=policy)
    stream.map_values(str, failure_policy=policy)
    stream.filter(bool, failure_policy=policy)
    grouped = stream.group_by_key()
    grouped.aggregate(str, failing(DOWN), value=utf8, failure_policy=policy)
    windows = grouped.windowed_by(tumbling("1m"))
    windows.aggregate(str, failing(DOWN), value=utf8, failure_policy=policy)
    stream.filter(bool)
    nodes = stream._upstream.builder.build().nodes[1:]
    coded = [getattr(node, node.WhichOneof("kind") or "") for node in nodes]
    assert [code.HasField("failure_policy") for code in coded] == [True] * 6 + [False]
    for code in coded[:6]:
        assert code.failure_policy == topology_pb2.FailurePolicy(
            retry_max=0,
            retry_initial_ms=250,
            retry_factor=1.5,
            retry_max_delay_ms=60_000,
            retry_jitter=0,
            exhausted=topology_pb2.EXHAUSTED_SKIP,
        )


def test_what_a_policy_does_not_say_is_left_to_the_sidecar() -> None:
    assert FailurePolicy().wire() == topology_pb2.FailurePolicy()


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"retry_max": -1}, "retry_max=-1"),
        ({"retry_initial": "soon"}, "'soon' is no duration"),
        ({"exhausted": "dlq"}, "exhausted='dlq': give fail, skip, dead_letter or park"),
    ],
)
def test_a_policy_that_is_none_is_refused_where_it_is_made(said: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        FailurePolicy(**said)
