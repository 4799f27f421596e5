"""One stream's worth of protocol, without IO: frames in, frames out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal, Protocol

from .batch_run import BatchControl, StageScope, run_batch
from .chunks import check_written, columns_bytes_max
from .errors import BatchTakenError, OutriggerError
from .gen import processor_pb2 as pb
from .gen import state_pb2
from .runner import Runner
from .topology import Node


class SessionHost(Protocol):
    """What a session asks of the stream."""

    def send(self, frame: pb.ProcessRequest) -> None: ...
    def welcomed(self, welcome: pb.Welcome) -> None: ...
    def rejected(self, error: OutriggerError) -> None:
        """The sidecar refused us, or cannot be understood: for good."""

    def idle(self) -> None:
        """Nothing is in flight any more after ``stop``."""


class _Held:
    """A batch that this worker holds, and what becomes of it."""

    __slots__ = ("batch", "control", "fate")

    def __init__(self, batch: pb.Batch) -> None:
        self.batch = batch
        self.control = BatchControl()
        self.fate: Literal["answer", "handBack", "nothing"] = "answer"

    def forget(self) -> None:
        """Nobody waits for the batch any more."""
        self.fate = "nothing"
        self.control.is_stopped = True
        self.control.is_taken = True


_Answer = Future[state_pb2.StateResponse]


class Session:
    """Batches of a task run in the order in which they came, those of several tasks beside each
    other.

    greeting --Welcome--> serving --stop--> stopping --last record--> idle;  any --Reject--> gone
    """

    def __init__(self, nodes: dict[str, Node], host: SessionHost, runner: Runner) -> None:
        self._nodes = nodes
        self._host = host
        self._runner = runner
        self._lock = threading.RLock()
        self._welcome: pb.Welcome | None = None
        self._scopes: list[StageScope] = []
        self._waits: list[bool] = []
        self._state: Literal["open", "stopping", "closed"] = "open"
        # What this worker holds, by task, oldest first; the first is under way.
        self._tasks: dict[str, list[_Held]] = {}
        self._questions: dict[int, tuple[_Held, _Answer]] = {}
        self._next_question = 1

    def received(self, frame: pb.ProcessResponse) -> None:
        with self._lock:
            if self._state == "closed":
                return
            kind = frame.WhichOneof("frame")
            if kind == "welcome":
                self._take_welcome(frame.welcome)
            elif kind == "reject":
                self._host.rejected(OutriggerError(frame.reject.code, frame.reject.message))
            elif kind == "batch":
                self._take(frame.batch)
            elif kind == "state_response":
                self._answered(frame.state_response)
            elif kind == "revoked":
                self._revoke(frame.revoked.task_id, frame.revoked.task_epoch)
            # Drain: results are still taken; the stream ends when the sidecar is done.

    def stop(self) -> None:
        """Finishes the records being worked on, then hands every batch back: a batch is answered as
        a whole or not at all, and whoever gets it next starts from the same state."""
        with self._lock:
            if self._state != "open":
                return
            self._state = "stopping"
            # Before the welcome nothing but the hello may be said (P-08), and nothing is held.
            if self._welcome is not None:
                self._send(pb.ProcessRequest(credit=pb.Credit(batches=0)))
            for held_ones in self._tasks.values():
                for index, held in enumerate(held_ones):
                    held.control.is_stopped = True
                    if held.fate == "answer":
                        held.fate = "handBack"
                    if index > 0:
                        self._settle(held)
                del held_ones[1:]
            self._tell_idle()

    def close(self) -> None:
        """The stream is gone: what it carried is worth nothing here any more."""
        with self._lock:
            self._state = "closed"
            for held_ones in self._tasks.values():
                for held in held_ones:
                    held.forget()
            self._tasks.clear()
            open_questions = list(self._questions.values())
            self._questions.clear()
        for _, answer in open_questions:
            answer.set_exception(BatchTakenError("the sidecar went away"))

    def _take_welcome(self, welcome: pb.Welcome) -> None:
        self._welcome = welcome
        self._scopes = [
            StageScope(
                self._nodes,
                stage,
                list(welcome.sources),
                welcome.application_id,
                {each.source: each.node for each in welcome.timer_sources},
                columns_bytes_max(welcome),
            )
            for stage in welcome.stages
        ]
        self._waits = [self._any_waits(stage) for stage in welcome.stages]
        self._host.welcomed(welcome)

    def _any_waits(self, stage: pb.Stage) -> bool:
        """Whether any code of the stage is made with ``async def``: what lies behind its sinks runs
        elsewhere."""
        seen = set(stage.sinks)
        open_names = list(stage.entries)
        while open_names:
            name = open_names.pop()
            node = self._nodes.get(name)
            if node is None or name in seen:
                continue
            if node.is_async:
                return True
            seen.add(name)
            open_names.extend(node.children)
        return False

    def _take(self, batch: pb.Batch) -> None:
        held = _Held(batch)
        if self._state == "stopping":
            held.fate = "handBack"
            self._settle(held)
            return
        held_ones = self._tasks.setdefault(batch.task_id, [])
        held_ones.append(held)
        if len(held_ones) == 1:
            self._work(held)

    def _work(self, held: _Held) -> None:
        batch = held.batch
        if batch.stage >= len(self._scopes):
            text = f"the sidecar sent a batch of stage {batch.stage}, which it never announced"
            self._host.rejected(OutriggerError("PROTOCOL_VIOLATION", text))
            return
        work = run_batch(
            self._scopes[batch.stage], batch, lambda asked: self._ask(held, asked), held.control
        )
        self._runner.run(work, self._waits[batch.stage], self._finisher(held))

    def _finisher(
        self, held: _Held
    ) -> Callable[[pb.ProcessRequest | None, BaseException | None], None]:
        def finished(frame: pb.ProcessRequest | None, error: BaseException | None) -> None:
            with self._lock:
                if error is not None:
                    text = f"{type(error).__qualname__}: {error}"
                    self._host.rejected(OutriggerError("PROTOCOL_VIOLATION", text))
                    return
                if frame is not None and held.fate == "answer":
                    self._send(frame)
                else:
                    self._settle(held)
                self._next(held)

        return finished

    def _next(self, held: _Held) -> None:
        held_ones = self._tasks.get(held.batch.task_id, [])
        if not held_ones or held_ones[0] is not held:
            return
        held_ones.pop(0)
        if held_ones:
            self._work(held_ones[0])
        else:
            del self._tasks[held.batch.task_id]
        if self._state == "stopping":
            self._tell_idle()

    def _tell_idle(self) -> None:
        if not any(self._tasks.values()):
            self._host.idle()

    def _ask(self, held: _Held, question: state_pb2.StateRequest) -> _Answer:
        answer: _Answer = Future()
        with self._lock:
            if self._welcome is not None:
                check_written(question.written, columns_bytes_max(self._welcome))
            if held.control.is_taken:
                answer.set_exception(BatchTakenError("the batch was taken away"))
                return answer
            question.request_id = self._next_question
            self._next_question = self._next_question % 0xFFFF_FFFF + 1
            question.dispatch_id = held.batch.dispatch_id
            question.task_epoch = held.batch.task_epoch
            question.task_id = held.batch.task_id
            self._questions[question.request_id] = (held, answer)
            self._send(pb.ProcessRequest(state_request=question))
        return answer

    def _answered(self, response: state_pb2.StateResponse) -> None:
        held, answer = self._questions.pop(response.request_id, (None, None))
        if held is None or answer is None:
            return
        if response.error == "":
            answer.set_result(response)
            return
        # Not the record's fault, so no failure: whoever holds the task now starts the batch anew.
        if held.fate == "answer":
            held.fate = "handBack"
        held.control.is_stopped = True
        answer.set_exception(BatchTakenError(response.error))

    def _revoke(self, task_id: str, task_epoch: int) -> None:
        held_ones = self._tasks.get(task_id, [])
        current = held_ones[:1]
        for held in held_ones:
            if held.batch.task_epoch == task_epoch:
                held.forget()
        for request_id, (held, answer) in list(self._questions.items()):
            if held.fate == "nothing":
                del self._questions[request_id]
                answer.set_exception(BatchTakenError("the batch was taken away"))
        # The one under way stays in its place until it has stopped.
        held_ones[:] = [held for held in held_ones if held in current or held.fate != "nothing"]

    def _settle(self, held: _Held) -> None:
        """What becomes of a batch that is not answered."""
        if held.fate == "nothing":
            return
        batch = held.batch
        hand_back = pb.HandBack(
            dispatch_id=batch.dispatch_id, task_epoch=batch.task_epoch, task_id=batch.task_id
        )
        self._send(pb.ProcessRequest(hand_back=hand_back))

    def _send(self, frame: pb.ProcessRequest) -> None:
        if self._state != "closed":
            self._host.send(frame)
