"""What an application may say of records that it fails on, and how the protocol has it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from .durations import Duration, duration_ms
from .gen import processor_pb2 as pb
from .gen import topology_pb2


class RetryLater(Exception):
    """Raise it to have the record tried again, no more often than its policy has tries.

    after: the pause before that, as a timedelta or in seconds; None leaves it to the policy.
        Raises ValueError where it is negative.
    """

    def __init__(self, message: str = "", after: timedelta | float | None = None) -> None:
        super().__init__(message)
        if after is not None and not isinstance(after, timedelta):
            after = timedelta(seconds=after)
        if after is not None and after < timedelta(0):
            raise ValueError(f"a record cannot be tried again after {after}: give 0 or more")
        self.after = after


class DeadLetter(Exception):
    """Raise it for a record that no try will help: it is dead-lettered at once."""


class Park(Exception):
    """Raise it for a record that cannot be processed now, and must not be overtaken: its key waits,
    and later records of the key follow it, until `outrigger dlq release`. Needs parked.enable and a
    key; without them it is a DeadLetter."""


class StopTask(Exception):
    """Raise it when nothing must go on: the record's task stops until another application
    connects."""


@dataclass(frozen=True)
class FailurePolicy:
    """What becomes of records that a node fails on. What is left out, the sidecar's configuration
    says.

    retry_max: how often a record is tried again.
    retry_initial: the pause before the first retry.
    retry_factor: the factor by which pauses grow, from 1 on.
    retry_max_delay: the longest pause.
    retry_jitter: the share of each pause that is left to chance, from 0 to 1.
    exhausted: what becomes of a record whose tries are used up; park needs parked.enable.
    """

    retry_max: int | None = None
    retry_initial: Duration | None = None
    retry_factor: float | None = None
    retry_max_delay: Duration | None = None
    retry_jitter: float | None = None
    exhausted: Literal["fail", "skip", "dead_letter", "park"] | None = None

    def __post_init__(self) -> None:
        self.wire()  # which raises ValueError or TypeError for what the protocol cannot say

    def wire(self) -> topology_pb2.FailurePolicy:
        if self.exhausted is not None and self.exhausted not in _EXHAUSTED:
            raise ValueError(
                f"a failure policy has exhausted={self.exhausted!r}: give fail, skip, dead_letter "
                "or park"
            )
        if self.retry_max is not None and self.retry_max < 0:
            raise ValueError(f"a failure policy has retry_max={self.retry_max}: give 0 or more")
        return topology_pb2.FailurePolicy(
            retry_max=self.retry_max,
            retry_initial_ms=_ms(self.retry_initial),
            retry_factor=self.retry_factor,
            retry_max_delay_ms=_ms(self.retry_max_delay),
            retry_jitter=self.retry_jitter,
            exhausted=None if self.exhausted is None else _EXHAUSTED[self.exhausted],
        )


_EXHAUSTED = {
    "fail": topology_pb2.EXHAUSTED_FAIL,
    "skip": topology_pb2.EXHAUSTED_SKIP,
    "dead_letter": topology_pb2.EXHAUSTED_DEAD_LETTER,
    "park": topology_pb2.EXHAUSTED_PARK,
}

# Of each text: a failure must not take the frame from its neighbours.
_TEXT_BYTES_MAX = 4_096
# Causes of causes that are looked at: a chain may go in a circle.
_CAUSES_MAX = 32


class FailedNodes:
    """Which node each error of a batch came from: who says so first is the innermost. A record of
    which something has failed is the last of its batch."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: list[tuple[BaseException, str]] = []

    def add(self, error: BaseException, node: str) -> None:
        if self._node_of(error) is None:
            self._seen.append((error, node))

    def innermost(self, error: BaseException) -> str | None:
        """That of the first cause: what was raised because of it, or while it was handled."""
        found = None
        for cause in _chain(error, implicit=True):
            found = self._node_of(cause) or found
        return found

    def clear(self) -> None:
        """Lets go of the errors, whose tracebacks hold what holds this."""
        self._seen.clear()

    def _node_of(self, error: BaseException) -> str | None:
        # By identity: an error need not be hashable, nor comparable.
        return next((node for seen, node in self._seen if seen is error), None)


def failure_of(error: BaseException, node: str) -> pb.Failure:
    stack = "".join(traceback.format_exception(error))
    failure = pb.Failure(
        type=_cut(type(error).__qualname__),
        message=_cut(_text(error)),
        # The end of a Python traceback says where it happened.
        stack=_cut(stack[-_TEXT_BYTES_MAX:]),
        node=node,
    )
    # The outermost that says anything: a serde's error, say, comes as the cause of another.
    for cause in _chain(error, implicit=False):
        if isinstance(cause, RetryLater):
            failure.verdict = pb.VERDICT_RETRY
            if cause.after is not None:
                failure.retry_after_ms = round(cause.after / timedelta(milliseconds=1))
            break
        if isinstance(cause, DeadLetter):
            failure.verdict = pb.VERDICT_DEAD_LETTER
            break
        if isinstance(cause, Park):
            failure.verdict = pb.VERDICT_PARK
            break
        if isinstance(cause, StopTask):
            failure.verdict = pb.VERDICT_FAIL
            break
    return failure


def _chain(error: BaseException, implicit: bool) -> Iterator[BaseException]:
    """The error, its cause, and so on; where it has none, what it was raised in the handling of."""
    cause: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if cause is None:
            return
        yield cause
        explicit = cause.__cause__
        if explicit is None and implicit and not cause.__suppress_context__:
            explicit = cause.__context__
        cause = explicit


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(it has no text)"


def _cut(text: str) -> str:
    return text.encode(errors="replace")[:_TEXT_BYTES_MAX].decode(errors="ignore")


def _ms(duration: Duration | None) -> int | None:
    return None if duration is None else duration_ms(duration)
