from __future__ import annotations

from typing import Any

import pytest
from fake_sidecar import FakeSidecar, outputs_of, segment_of

from outrigger import AsyncProcessorContext, ProcessorContext, Record, nullable, utf8
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import records_pb2

Text = Record[str, str]
Ctx = ProcessorContext[str, str]
AsyncCtx = AsyncProcessorContext[str, str]
TEXT = nullable(utf8)


def run(handler: Any, *pairs: tuple[str | None, str | None], **over: Any) -> pb.BatchResult:
    """One batch through one handler."""
    sidecar = FakeSidecar()
    sidecar.source.process(handler, name="p").to("topic-out", key=TEXT, value=TEXT, name="out")
    sidecar.welcome("p", **over)
    sidecar.batch(*pairs)
    return sidecar.result()


def in_both_kinds(handler: Any) -> list[Any]:
    async def waiting(record: Text, ctx: AsyncCtx) -> None:
        handler(record, ctx)

    return [handler, waiting]


def test_records_have_their_place_time_headers_and_token() -> None:
    seen = []

    def handler(record: Record[str | None, str | None], ctx: Ctx) -> None:
        at = (record.topic, record.partition, record.offset, record.idempotency_key)
        seen.append((record.key, record.value, record.timestamp, record.headers, *at))

    sidecar = FakeSidecar(TEXT, TEXT)
    sidecar.source.process(handler, name="p")
    sidecar.welcome("p", sinks=[])
    segment = segment_of(("a", "1"), (None, ""), ("c", None))
    segment.partition = 3
    segment.offset_deltas.extend([0, 5, 9])
    segment.timestamp_deltas.extend([0, -1, 7])
    headers = [records_pb2.Header(key="h", value=b"x"), records_pb2.Header(key="h")]
    segment.headers.append(records_pb2.RowHeaders(row=1, headers=headers))
    sidecar.batch(segment=segment, dispatch_id=4)
    result = sidecar.result()
    assert (result.done, result.dispatch_id, result.HasField("failure")) == (3, 4, False)
    assert seen == [
        ("a", "1", 1_000, (), "topic", 3, 10, "app/topic-3@10"),
        (None, "", 999, (("h", b"x"), ("h", None)), "topic", 3, 15, "app/topic-3@15"),
        ("c", None, 1_007, (), "topic", 3, 19, "app/topic-3@19"),
    ]


def forward(record: Text, ctx: Ctx) -> None:
    ctx.forward(record.key, record.value)
    ctx.forward("own", "", timestamp=5, headers=(("h", None),))


@pytest.mark.parametrize("handler", in_both_kinds(forward))
def test_what_is_forwarded_takes_its_inputs_time_unless_it_has_one(handler: Any) -> None:
    result = run(handler, ("a", "1"), ("b", "2"))
    assert outputs_of(result) == ["0: a=1", "0: own=", "1: b=2", "1: own="]
    assert list(result.outputs.timestamps) == [1_000, 5, 1_000, 5]
    assert [row.row for row in result.outputs.headers] == [1, 3]
    assert not result.outputs.headers[0].headers[0].HasField("value")


def fail_at_b(record: Text, ctx: Ctx) -> None:
    ctx.forward(record.key, "")
    if record.key == "b":
        raise LookupError("no b")


@pytest.mark.parametrize("handler", in_both_kinds(fail_at_b))
def test_a_record_that_fails_leaves_nothing_and_those_before_it_all(handler: Any) -> None:
    result = run(handler, ("a", ""), ("b", ""), ("c", ""))
    assert result.done == 1
    assert outputs_of(result) == ["0: a="]
    assert (result.failure.type, result.failure.message) == ("LookupError", "no b")
    assert "fail_at_b" in result.failure.stack


def test_what_a_failure_says_is_cut_between_characters() -> None:
    def handler(record: Text, ctx: Ctx) -> None:
        raise ValueError("ä€" * 4_000)

    failure = run(handler, ("a", "")).failure
    assert len(failure.message.encode()) == 4_095
    assert failure.message.endswith("€")
    assert len(failure.stack.encode()) <= 4_096


def test_a_record_that_cannot_be_read_says_which_and_why() -> None:
    failure = run(forward, ("a", None)).failure
    assert failure.message.startswith("the value of app/topic-0@10 cannot be read: it is null")


def test_a_result_that_outgrows_a_frame_fails_the_record_that_made_it_so() -> None:
    def handler(record: Text, ctx: Ctx) -> None:
        ctx.forward("k", "x" * 50_000)

    result = run(handler, *[("k", "v")] * 4, max_frame_bytes=200 * 1024)
    assert result.done == 2
    assert "the sidecar takes 139264" in result.failure.message


def test_children_run_depth_first_in_the_order_of_declaration() -> None:
    sidecar = FakeSidecar()
    top = sidecar.source.map(lambda record: (record.key, record.value), name="top")
    top.map_values(lambda value: value + "1", name="first").to("a", name="a")
    top.filter(lambda record: record.key != "x", name="second").to("b", name="b")
    sidecar.welcome("top", sinks=["a", "b"])
    sidecar.batch(("k", "v"), ("x", "v"))
    result = sidecar.result()
    assert outputs_of(result) == ["0: k=v1", "0: k=v", "1: x=v1"]
    assert list(result.outputs.sinks) == [0, 1, 0]


def test_what_is_forwarded_to_an_async_handler_runs_when_the_first_has_returned() -> None:
    order = []

    async def first(record: Text, ctx: AsyncCtx) -> None:
        ctx.forward("1", "")
        ctx.forward("2", "")
        order.append("first has returned")

    async def second(record: Text, ctx: AsyncCtx) -> None:
        order.append(record.key)
        ctx.forward(record.key, "out")

    sidecar = FakeSidecar()
    sidecar.source.process(first, name="p").process(second).to("t", name="out")
    sidecar.welcome("p")
    sidecar.batch(("a", ""))
    assert outputs_of(sidecar.result()) == ["0: 1=out", "0: 2=out"]
    assert order == ["first has returned", "1", "2"]


def test_a_context_is_of_no_use_once_its_record_is_done() -> None:
    kept: list[Ctx] = []
    run(lambda record, ctx: kept.append(ctx), ("a", ""))
    with pytest.raises(RuntimeError, match="after the record was done"):
        kept[0].forward("a", "b")
