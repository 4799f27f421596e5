from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fake_sidecar import FakeSidecar, outputs_of, segment_of

from outrigger import (
    App,
    AsyncProcessorContext,
    FailurePolicy,
    HookContext,
    ProcessorContext,
    Record,
    utf8,
)
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import topology_pb2
from outrigger.hooks import add_hook
from outrigger.testing import REDELIVER, TestDriver, TestRecord
from outrigger.topology import Serdes

Text = Record[str, str]
Drive = Callable[..., TestDriver]
TEXT: dict[str, Any] = {"key": utf8, "value": utf8}
STAGES = (
    pb.Stage(entries=["p"], sinks=["out", "receipt"]),
    pb.Stage(entries=["receipt"]),
)


def ask(record: Text, ctx: ProcessorContext[str, str]) -> None:
    ctx.after_commit("receipt", f"receipt of {record.value}")
    if record.value == "bad":
        raise ValueError("refused")
    ctx.forward(record.key, record.value)


async def ask_async(record: Text, ctx: AsyncProcessorContext[str, str]) -> None:
    ctx.after_commit("receipt", f"receipt of {record.value}")
    await asyncio.sleep(0)
    if record.value == "bad":
        raise ValueError("refused")
    ctx.forward(record.key, record.value)


def asking(handler: Any, process: Any = ask) -> FakeSidecar:
    sidecar = FakeSidecar()
    sidecar.source.process(process, name="p").to("topic-out", **TEXT, name="out")
    add_hook(sidecar.builder, "receipt", handler, Serdes(utf8, utf8), None)
    sidecar.welcome_to(["topic", "app-receipt-hook"], *STAGES)
    return sidecar


def never(*_: Any) -> None:
    raise AssertionError("nothing has committed")


def requested(sidecar: FakeSidecar, *pairs: tuple[str, str]) -> pb.BatchResult:
    """The answer of the hook's own stage."""
    segment = segment_of(*pairs)
    segment.source = 1
    sidecar.batch(task_id="1_0", stage=1, segment=segment)
    return sidecar.result()


@pytest.mark.parametrize("process", [ask, ask_async])
def test_a_request_is_an_output_to_the_hook_and_undone_with_its_record(process: Any) -> None:
    sidecar = asking(never, process)
    sidecar.batch(("a", "1"), ("b", "bad"))
    result = sidecar.result()
    assert result.done == 1
    assert outputs_of(result) == ["0: a=receipt of 1", "0: a=1"]
    assert list(result.outputs.sinks) == [1, 0]


@pytest.mark.parametrize("waits", [False, True])
def test_the_hook_runs_on_what_its_own_stage_brings(waits: bool) -> None:
    ran: list[str] = []

    def run(request: Text, ctx: HookContext) -> None:
        ran.append(f"{request.key} {request.value} {request.idempotency_key} {ctx.is_taken}")

    async def run_async(request: Text, ctx: HookContext) -> None:
        await asyncio.sleep(0)
        run(request, ctx)

    result = requested(asking(run_async if waits else run), ("a", "r"))
    assert (result.done, outputs_of(result)) == (1, [])
    assert ran == ["a r app/app-receipt-hook-0@10 False"]


@pytest.mark.parametrize("waits", [False, True])
def test_a_hook_that_fails_says_so_under_its_own_name(waits: bool) -> None:
    def run(request: Text, _: HookContext) -> None:
        raise LookupError("no mail today")

    async def run_async(request: Text, ctx: HookContext) -> None:
        await asyncio.sleep(0)
        run(request, ctx)

    result = requested(asking(run_async if waits else run), ("a", "r"))
    failure = result.failure
    assert (result.done, failure.node, failure.type) == (0, "receipt", "LookupError")


def test_a_request_to_an_unknown_hook_fails_its_record_caught_or_not() -> None:
    def misspelt(record: Text, ctx: ProcessorContext[str, str]) -> None:
        with pytest.raises(ValueError, match='no hook "recipt"'):
            ctx.after_commit("recipt", record.value)

    sidecar = asking(never, misspelt)
    sidecar.batch(("a", "1"))
    result = sidecar.result()
    assert (result.done, "app.after_commit" in result.failure.message) == (0, True)


def test_a_hook_is_declared_under_every_process_with_its_policy() -> None:
    app = App()
    app.after_commit("receipt", never, failure_policy=FailurePolicy(retry_max=2))
    stream = app.stream("in", **TEXT).process(ask, name="first")
    stream.map_values(str.upper).process(ask, name="second").to("out", **TEXT)
    declared = app._builder.build().nodes[-1]
    assert (declared.name, list(declared.parents)) == ("receipt", ["first", "second"])
    assert declared.hook == topology_pb2.Hook(
        failure_policy=topology_pb2.FailurePolicy(retry_max=2)
    )


def test_a_hook_that_nothing_can_ask_for_or_whose_name_is_taken_is_refused() -> None:
    app = App()
    app.after_commit("receipt", never)
    with pytest.raises(ValueError, match="nothing can ask for the hook"):
        app._builder.build()
    with pytest.raises(ValueError, match="two nodes are named"):
        app.after_commit("receipt", never)


def test_a_hook_runs_for_what_committed_once_more_where_its_own_commit_is_lost(
    outrigger_driver: Drive,
) -> None:
    ran: list[str] = []
    app = App(application_id="hooked")

    def run(request: Text, _: HookContext) -> None:
        ran.append(request.value)
        if len(ran) == 1:
            driver.inject(REDELIVER)

    app.after_commit("receipt", run, **TEXT)
    skip = FailurePolicy(retry_max=0, exhausted="skip")
    app.stream("in", **TEXT).process(ask, failure_policy=skip).to("out", **TEXT)
    driver = outrigger_driver(app)
    driver.pipe("in", [TestRecord("k", "1"), TestRecord("k", "bad"), TestRecord("k", "3")], **TEXT)
    assert [record.value for record in driver.read("out", **TEXT)] == ["1", "3"]
    # What the commit held that was lost runs again.
    assert (ran.count("receipt of 1"), set(ran)) == (2, {"receipt of 1", "receipt of 3"})
