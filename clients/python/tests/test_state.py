from __future__ import annotations

from typing import Any

import pytest
from fake_sidecar import FakeSidecar, columns, mutations_of, outputs_of

from outrigger import AsyncProcessorContext, ProcessorContext, Record, key_value_store, utf8
from outrigger.gen import state_pb2

Text = Record[str, str]
Ctx = ProcessorContext[str, str]
AsyncCtx = AsyncProcessorContext[str, str]
STORE = key_value_store("store", key=utf8, value=utf8)


def sidecar_of(handler: Any) -> FakeSidecar:
    sidecar = FakeSidecar()
    sidecar.source.process(handler, stores=[STORE], name="p").to("t", name="out")
    sidecar.welcome("p", stores=["store"])
    return sidecar


def append(record: Text, ctx: Ctx) -> None:
    value = (ctx.store(STORE).get(record.key) or "") + record.value
    ctx.store(STORE).put(record.key, value)
    ctx.forward(record.key, value)
    if record.value == "fail":
        raise ValueError("failed")


async def append_async(record: Text, ctx: AsyncCtx) -> None:
    value = (await ctx.store(STORE).get(record.key) or "") + record.value
    ctx.store(STORE).put(record.key, value)
    ctx.forward(record.key, value)
    if record.value == "fail":
        raise ValueError("failed")


BOTH = pytest.mark.parametrize("handler", [append, append_async])


@BOTH
def test_the_records_own_key_is_at_hand_and_sees_what_came_before(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a", "1"), ("b", "2"), ("a", "3"), states=[columns("x", None, slots=[0, 1, 0])])
    result = sidecar.result()
    assert outputs_of(result) == ["0: a=x1", "1: b=2", "2: a=x13"]
    assert mutations_of(result) == {"0": "x13", "1": "2"}
    assert len(sidecar.frames) == 1, "nothing was asked"


@BOTH
def test_what_a_failed_record_wrote_is_taken_back(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a", "1"), ("a", "fail"), states=[columns("x", slots=[0, 0])])
    result = sidecar.result()
    assert result.done == 1
    assert mutations_of(result) == {"0": "x1"}


@BOTH
def test_a_key_without_a_slot_is_asked_for_once(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a", "1"), ("a", "2"), states=[columns(slot_counts=[0, 0])])
    question = sidecar.question()
    assert (list(question.keys), question.dispatch_id, question.task_epoch) == ([b"a"], 1, 1)
    sidecar.answer(question, "old")
    result = sidecar.result()
    assert outputs_of(result) == ["0: a=old1", "1: a=old12"]
    assert mutations_of(result) == {"a": "old12"}
    assert len(sidecar.frames) == 2


@BOTH
def test_a_batch_whose_state_the_sidecar_cannot_tell_is_handed_back(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a", "1"), states=[columns(slot_counts=[0])])
    sidecar.answer(sidecar.question(), error="the task has left")
    sidecar.until(lambda: sidecar.handed_back == [1])
    assert len(sidecar.frames) == 2


@BOTH
def test_a_revocation_ends_a_wait_and_no_word_is_said(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a", "1"), states=[columns(slot_counts=[0])])
    sidecar.question()
    sidecar.revoke(1)
    sidecar.batch(("b", "2"), dispatch_id=2, task_epoch=2, states=[columns(None)])
    assert outputs_of(sidecar.result()) == ["0: b=2"]
    assert len(sidecar.frames) == 2


def read_range(record: Text, ctx: Ctx) -> None:
    ctx.store(STORE).put("b", "new")
    ends = record.key.split("-")
    found = ctx.store(STORE).range(ends[0] or None, ends[1] or None, reverse=bool(record.value))
    ctx.forward("found", " ".join(f"{key}={value}" for key, value in found))


async def read_range_async(record: Text, ctx: AsyncCtx) -> None:
    ctx.store(STORE).put("b", "new")
    ends = record.key.split("-")
    found = ctx.store(STORE).range(ends[0] or None, ends[1] or None, reverse=bool(record.value))
    ctx.forward("found", " ".join([f"{key}={value}" async for key, value in found]))


def range_of(question: state_pb2.StateRequest) -> tuple[bytes | None, bytes | None, bool]:
    asked = question.range
    ends = [getattr(asked, end) if asked.HasField(end) else None for end in ("from", "to")]
    return ends[0], ends[1], asked.reverse


@pytest.mark.parametrize("handler", [read_range, read_range_async])
def test_a_range_is_read_page_by_page_with_what_was_written(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("a-c", ""), states=[columns(slot_counts=[0])])
    first = sidecar.question(0)
    assert range_of(first) == (b"a", b"c\0", False)
    assert [*first.written.keys] == [b"b"]
    sidecar.answer(first, "1", "new", keys=["a", "b"], more=True)
    second = sidecar.question(1)
    assert range_of(second) == (b"b\0", b"c\0", False)
    sidecar.answer(second, "3", keys=["c"])
    assert outputs_of(sidecar.result()) == ["0: found=a=1 b=new c=3"]


@pytest.mark.parametrize("handler", [read_range, read_range_async])
def test_a_range_is_read_backwards_up_to_the_last_key(handler: Any) -> None:
    sidecar = sidecar_of(handler)
    sidecar.batch(("-", "reverse"), states=[columns(slot_counts=[0])])
    first = sidecar.question(0)
    assert range_of(first) == (None, None, True)
    sidecar.answer(first, "3", keys=["c"], more=True)
    second = sidecar.question(1)
    assert range_of(second) == (None, b"c", True)
    sidecar.answer(second, keys=[])
    assert outputs_of(sidecar.result()) == ["0: found=c=3"]


def test_a_delete_is_a_delete_and_an_unnamed_store_is_refused() -> None:
    def handler(record: Text, ctx: Ctx) -> None:
        if record.key == "a":
            ctx.store(STORE).put("z", "1")
            ctx.store(STORE).delete("z")
        else:
            ctx.store(key_value_store("other", key=utf8, value=utf8))

    sidecar = sidecar_of(handler)
    sidecar.batch(("a", ""), ("b", ""), states=[columns("x", "y")])
    result = sidecar.result()
    assert mutations_of(result) == {"z": None}
    assert "name it in `stores`" in result.failure.message


def test_an_aggregate_folds_each_slot_and_skips_a_record_that_has_none() -> None:
    sidecar = FakeSidecar()
    folded = sidecar.source.group_by_key().aggregate(
        str, lambda key, value, total: total + value, value=utf8, store="store", name="fold"
    )
    folded.to("t", name="out")
    sidecar.welcome("fold", stores=["store"])
    states = [columns("x", slots=[0, 0], slot_counts=[1, 0, 1])]
    sidecar.batch(("a", "1"), (None, "late"), ("a", "2"), states=states)
    result = sidecar.result()
    assert outputs_of(result) == ["0: a=x1", "2: a=x12"]
    assert mutations_of(result) == {"0": "x12"}
