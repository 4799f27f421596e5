from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fake_sidecar import TIMEOUT_SECONDS, FakeSidecar, outputs_of

from outrigger import AsyncProcessorContext, ProcessorContext, Record
from outrigger.gen import processor_pb2 as pb

Text = Record[str, str]


class Gates:
    """A handler that waits at each record until it may go on."""

    def __init__(self, is_async: bool) -> None:
        self.sidecar = FakeSidecar()
        self.waiting: list[tuple[str, threading.Event, Callable[[], bool]]] = []
        self._came = threading.Condition()
        handler: Any = self._wait_async if is_async else self._wait
        self.sidecar.source.process(handler, name="p").to("t", name="out")
        self.sidecar.welcome("p")

    def _arrive(self, record: Text, is_taken: Callable[[], bool]) -> threading.Event:
        gate = threading.Event()
        with self._came:
            self.waiting.append((record.key, gate, is_taken))
            self._came.notify_all()
        return gate

    def _wait(self, record: Text, ctx: ProcessorContext[str, str]) -> None:
        gate = self._arrive(record, lambda: ctx.is_taken)
        assert gate.wait(TIMEOUT_SECONDS)
        ctx.forward(record.key, record.value)

    async def _wait_async(self, record: Text, ctx: AsyncProcessorContext[str, str]) -> None:
        gate = self._arrive(record, lambda: ctx.is_taken)
        assert await asyncio.to_thread(gate.wait, TIMEOUT_SECONDS)
        ctx.forward(record.key, record.value)

    def until(self, *keys: str) -> None:
        """Waits until exactly these are at their gates."""
        with self._came:
            assert self._came.wait_for(
                lambda: sorted(key for key, _, _ in self.waiting) == sorted(keys), TIMEOUT_SECONDS
            ), self.waiting

    def is_taken(self, key: str) -> bool:
        return next(taken() for waits, _, taken in self.waiting if waits == key)

    def go(self, key: str) -> None:
        with self._came:
            at = next(index for index, (waits, _, _) in enumerate(self.waiting) if waits == key)
            self.waiting.pop(at)[1].set()


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def gates(request: pytest.FixtureRequest) -> Gates:
    return Gates(request.param)


def test_batches_of_a_task_run_in_order_those_of_others_beside_them(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""), dispatch_id=1)
    sidecar.batch(("b", ""), dispatch_id=2)
    sidecar.batch(("c", ""), dispatch_id=3, task_id="0_1")
    gates.until("a", "c")
    gates.go("c")
    assert sidecar.result(0).task_id == "0_1"
    gates.go("a")
    gates.until("b")
    gates.go("b")
    assert [sidecar.result(index).dispatch_id for index in range(3)] == [3, 1, 2]


def test_a_revoked_batch_stops_at_its_next_record_and_is_not_answered(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""), ("b", ""), dispatch_id=1)
    sidecar.batch(("c", ""), dispatch_id=2)
    sidecar.batch(("d", ""), dispatch_id=3, task_epoch=2)
    gates.until("a")
    sidecar.revoke(1)
    assert gates.is_taken("a")
    gates.go("a")
    gates.until("d")
    assert not gates.is_taken("d")
    gates.go("d")
    assert outputs_of(sidecar.result()) == ["0: d="]
    assert len(sidecar.frames) == 1


def test_a_stop_finishes_the_record_at_hand_and_hands_all_back(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""), ("b", ""), dispatch_id=1)
    sidecar.batch(("c", ""), dispatch_id=2)
    gates.until("a")
    sidecar.session.stop()
    sidecar.batch(("d", ""), dispatch_id=3)
    assert not gates.is_taken("a"), "the record may finish"
    assert not sidecar.is_idle
    gates.go("a")
    sidecar.until(lambda: sidecar.is_idle)
    assert sidecar.handed_back == [2, 3, 1]
    assert sidecar.frames[0].HasField("credit"), "first it asks for no more"
    assert sidecar.frames[0].credit.batches == 0
    gates.until()


def test_a_batch_that_was_revoked_and_then_stopped_gets_no_word(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""))
    gates.until("a")
    sidecar.revoke(1)
    sidecar.session.stop()
    gates.go("a")
    sidecar.until(lambda: sidecar.is_idle)
    assert sidecar.handed_back == []


def test_nothing_is_sent_once_the_stream_is_gone(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""), ("b", ""))
    gates.until("a")
    sidecar.session.close()
    assert gates.is_taken("a")
    gates.go("a")
    gates.until()
    assert sidecar.frames == []


def test_a_stop_with_nothing_in_flight_is_idle_at_once(gates: Gates) -> None:
    gates.sidecar.session.stop()
    assert gates.sidecar.is_idle


def test_what_is_held_is_answered_after_a_drain(gates: Gates) -> None:
    sidecar = gates.sidecar
    sidecar.batch(("a", ""))
    gates.until("a")
    sidecar.session.received(pb.ProcessResponse(drain=pb.Drain()))
    sidecar.session.received(pb.ProcessResponse())
    gates.go("a")
    assert sidecar.result().done == 1


def test_a_reject_is_reported_with_its_code_and_words(gates: Gates) -> None:
    reject = pb.Reject(code="TOPOLOGY_INVALID", message="no sink")
    gates.sidecar.session.received(pb.ProcessResponse(reject=reject))
    rejection = gates.sidecar.rejection
    assert rejection is not None
    assert (rejection.code, str(rejection)) == ("TOPOLOGY_INVALID", "TOPOLOGY_INVALID: no sink")


def test_a_batch_that_names_what_was_never_announced_ends_the_stream(gates: Gates) -> None:
    gates.sidecar.batch(("a", ""), stage=7)
    gates.sidecar.until(lambda: gates.sidecar.rejection is not None)
    assert "stage 7" in str(gates.sidecar.rejection)
