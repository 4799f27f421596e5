"""Plays the sidecar's end of a session: sends frames, keeps what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from outrigger import KStream, Serde, utf8
from outrigger.errors import OutriggerError
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import records_pb2, state_pb2, topology_pb2
from outrigger.runner import Runner
from outrigger.session import Session
from outrigger.topology import Node, Serdes, TopologyBuilder
from outrigger.upstream import Upstream

TIMEOUT_SECONDS = 10.0
Pair = tuple[str | None, str | None]


class FakeSidecar:
    """A topology with one source, ``in``; build on ``source`` before ``welcome``."""

    def __init__(self, key: Serde[Any] = utf8, value: Serde[Any] = utf8) -> None:
        self.builder = TopologyBuilder(Serdes(utf8, utf8))
        serdes = Serdes(key, value)
        declared = topology_pb2.Node(source=topology_pb2.Source(topics=["topic"]))
        node = self.builder.add("source", declared, (), "in", Node("", serdes))
        self.source: KStream[Any, Any] = KStream(Upstream(self.builder, (node,), key, value))
        self.session = Session(self.builder.nodes, self, Runner(None))
        self.frames: list[pb.ProcessRequest] = []
        self.rejection: OutriggerError | None = None
        self.is_idle = False
        self._arrived = threading.Condition()

    # What a session asks of the stream.

    def send(self, frame: pb.ProcessRequest) -> None:
        self._keep(lambda: self.frames.append(frame))

    def welcomed(self, welcome: pb.Welcome) -> None:
        pass

    def rejected(self, error: OutriggerError) -> None:
        def keep() -> None:
            self.rejection = error

        self._keep(keep)

    def idle(self) -> None:
        def keep() -> None:
            self.is_idle = True

        self._keep(keep)

    def _keep(self, change: Callable[[], None]) -> None:
        with self._arrived:
            change()
            self._arrived.notify_all()

    # What a test does.

    def welcome(
        self,
        *entries: str,
        stores: Sequence[str] = (),
        sinks: Sequence[str] = ("out",),
        max_frame_bytes: int = 0,
    ) -> None:
        stage = pb.Stage(entries=entries, stores=stores, sinks=sinks)
        self.welcome_to(["topic"], stage, max_frame_bytes=max_frame_bytes)

    def welcome_to(
        self, sources: Sequence[str], *stages: pb.Stage, max_frame_bytes: int = 0
    ) -> None:
        """The same, to more than one stage."""
        welcome = pb.Welcome(
            protocol_minor=2,
            application_id="app",
            sources=sources,
            stages=stages,
            max_frame_bytes=max_frame_bytes,
        )
        self.session.received(pb.ProcessResponse(welcome=welcome))

    def batch(
        self,
        *pairs: Pair,
        dispatch_id: int = 1,
        task_id: str = "0_0",
        task_epoch: int = 1,
        stage: int = 0,
        segment: records_pb2.Segment | None = None,
        states: Sequence[state_pb2.StateColumns] = (),
    ) -> None:
        batch = pb.Batch(
            dispatch_id=dispatch_id,
            task_id=task_id,
            task_epoch=task_epoch,
            stage=stage,
            segments=[segment or segment_of(*pairs)],
            states=states,
        )
        self.session.received(pb.ProcessResponse(batch=batch))

    def revoke(self, task_epoch: int, task_id: str = "0_0") -> None:
        revoked = pb.Revoked(task_id=task_id, task_epoch=task_epoch)
        self.session.received(pb.ProcessResponse(revoked=revoked))

    def answer(
        self,
        question: state_pb2.StateRequest,
        *values: str | None,
        keys: Sequence[str] = (),
        more: bool = False,
        error: str = "",
    ) -> None:
        response = state_pb2.StateResponse(
            request_id=question.request_id,
            keys=[key.encode() for key in keys],
            values=[(value or "").encode() for value in values],
            absent=[index for index, value in enumerate(values) if value is None],
            more=more,
            error=error,
        )
        self.session.received(pb.ProcessResponse(state_response=response))

    def until(self, is_so: Callable[[], bool]) -> None:
        with self._arrived:
            assert self._arrived.wait_for(is_so, TIMEOUT_SECONDS), (
                f"it did not come; frames: {self.frames}, rejection: {self.rejection}"
            )

    def result(self, index: int = 0) -> pb.BatchResult:
        self.until(lambda: len(self._all("result")) > index or self.rejection is not None)
        found = self._all("result")
        assert len(found) > index, self.rejection
        result: pb.BatchResult = found[index]
        return result

    def question(self, index: int = 0) -> state_pb2.StateRequest:
        self.until(lambda: len(self._all("state_request")) > index)
        question: state_pb2.StateRequest = self._all("state_request")[index]
        return question

    def _all(self, kind: str) -> list[Any]:
        return [getattr(frame, kind) for frame in self.frames if frame.HasField(kind)]

    @property
    def handed_back(self) -> list[int]:
        return [back.dispatch_id for back in self._all("hand_back")]


def segment_of(*pairs: Pair) -> records_pb2.Segment:
    return records_pb2.Segment(
        base_offset=10,
        base_timestamp=1_000,
        keys=[(key or "").encode() for key, _ in pairs],
        values=[(value or "").encode() for _, value in pairs],
        null_keys=[row for row, (key, _) in enumerate(pairs) if key is None],
        null_values=[row for row, (_, value) in enumerate(pairs) if value is None],
    )


def columns(*values: str | None, **over: Any) -> state_pb2.StateColumns:
    """State of store 0 that travels with a batch, one value a slot."""
    return state_pb2.StateColumns(
        values=[(value or "").encode() for value in values],
        absent=[slot for slot, value in enumerate(values) if value is None],
        **over,
    )


def outputs_of(result: pb.BatchResult) -> list[str]:
    """The outputs as ``row: key=value``."""
    outputs = result.outputs
    texts = []
    for index, row in enumerate(outputs.inputs):
        key = "null" if index in outputs.null_keys else outputs.keys[index].decode()
        value = "null" if index in outputs.null_values else outputs.values[index].decode()
        texts.append(f"{row}: {key}={value}")
    return texts


def mutations_of(result: pb.BatchResult) -> dict[str, str | None]:
    """What changed in the first store, by slot or key."""
    if not result.mutations:
        return {}
    changes = result.mutations[0]
    names = [str(slot) for slot in changes.slots] + [key.decode() for key in changes.keys]
    return {
        name: None if index in changes.deletes else changes.values[index].decode()
        for index, name in enumerate(names)
    }
