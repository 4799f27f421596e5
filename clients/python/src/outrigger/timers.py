"""Timers and punctuators: what a clock calls of a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from .durations import Duration, duration_ms
from .gen import processor_pb2 as pb
from .gen import topology_pb2 as topology

K = TypeVar("K")

TimerClock = Literal["stream_time", "wall_clock"]
"""The task's stream time, which its records move, or the sidecar's wall clock."""

_CLOCKS: tuple[TimerClock, ...] = ("stream_time", "wall_clock")
_NAME_BYTES_MAX = 255
# Bytes of a change besides its key and name, at most.
_OVERHEAD_BYTES = 24
_MISSING: Any = object()


def clock_number(clock: TimerClock) -> topology.TimerClock:
    if clock == "stream_time":
        return topology.TIMER_CLOCK_STREAM_TIME
    if clock == "wall_clock":
        return topology.TIMER_CLOCK_WALL_CLOCK_TIME
    raise ValueError(f'{clock!r} is no clock: write "stream_time" or "wall_clock"')


@dataclass(frozen=True)
class FiredTimer(Generic[K]):
    """A timer that fires, as ``on_timer`` gets it."""

    key: K
    name: str
    time: int
    """When it was to fire, in ms since the epoch; what is forwarded has this time unless it says
    another."""
    clock: TimerClock
    idempotency_key: str
    """The same on every attempt, as a record's."""


class Punctuator:
    """What the clock calls, in each task, each time that it has moved on by ``interval``.

    ``on_punctuate(timestamp, ctx)`` gets the clock's time, in ms since the epoch, and a context of
    ``process`` without timers. By stream time the first call comes with the task's first record, by
    the wall clock an interval after the start; what was missed is one call. ``name`` is unique
    within its node, and stable: its schedule is kept under it."""

    def __init__(
        self,
        name: str,
        interval: Duration,
        on_punctuate: Callable[[int, Any], None] | Callable[[int, Any], Awaitable[None]],
        *,
        clock: TimerClock = "stream_time",
    ) -> None:
        self.name = name
        self.clock = clock
        self.on_punctuate: Any = on_punctuate
        self.wire = topology.Punctuator(
            name=name, clock=clock_number(clock), interval_ms=duration_ms(interval)
        )


@dataclass(frozen=True)
class Firing:
    """What a source of timers tells: ``clock | 0, or 1 for a punctuation | name``."""

    clock: TimerClock
    is_punctuation: bool
    name: str


def firing_of(value: bytes | None) -> Firing:
    if value is None or len(value) < 2 or not 1 <= value[0] <= len(_CLOCKS):
        raise RuntimeError("the sidecar's batch has a timer that cannot be read: update the SDK")
    return Firing(_CLOCKS[value[0] - 1], value[1] == 1, value[2:].decode())


@dataclass(frozen=True)
class TimedCode:
    """What a clock calls of a node, as its handlers were given."""

    on_timer: Any
    punctuators: Sequence[Punctuator]

    def handler_of(self, firing: Firing) -> Any:
        """None where the node has none: it was declared with other names before."""
        if not firing.is_punctuation:
            return self.on_timer
        for each in self.punctuators:
            if (each.name, each.clock) == (firing.name, firing.clock):
                return each.on_punctuate
        return None


class BatchTimers:
    """What a batch has changed in the timers of one node: of each timer the last."""

    def __init__(self, node: str) -> None:
        self.bytes = 0
        self._node = node
        # A time of None cancels.
        self._changes: dict[tuple[bytes, str, topology.TimerClock], int | None] = {}
        # What to put back, should the record fail: newest last.
        self._undo: list[tuple[tuple[bytes, str, topology.TimerClock], Any]] = []
        self._bytes_before = 0

    def change(self, key: bytes | None, name: str, clock: TimerClock, time: int | None) -> None:
        if key is None:
            raise TypeError(
                f'"{self._node}" sets a timer, and the record has no key: timers are of a key'
            )
        if time is not None and (not isinstance(time, int) or not 0 <= time < 2**53):
            raise ValueError(f"a timer cannot be set to {time!r}: give ms since the epoch")
        size = len(name.encode())
        if size > _NAME_BYTES_MAX:
            raise ValueError(f"a timer's name has {size} bytes: it may have {_NAME_BYTES_MAX}")
        at = (key, name, clock_number(clock))
        self._undo.append((at, self._changes.get(at, _MISSING)))
        if at not in self._changes:
            self.bytes += len(key) + size + _OVERHEAD_BYTES
        self._changes[at] = time

    def keep(self) -> None:
        self._undo.clear()
        self._bytes_before = self.bytes

    def rollback(self) -> None:
        for at, before in reversed(self._undo):
            if before is _MISSING:
                del self._changes[at]
            else:
                self._changes[at] = before
        self._undo.clear()
        self.bytes = self._bytes_before

    def finish(self) -> pb.Timers | None:
        if not self._changes:
            return None
        return pb.Timers(
            node=self._node,
            keys=[key for key, _, _ in self._changes],
            names=[name for _, name, _ in self._changes],
            clocks=[clock for _, _, clock in self._changes],
            times=[time or 0 for time in self._changes.values()],
            deletes=[at for at, time in enumerate(self._changes.values()) if time is None],
        )


class Timers:
    """The timers of the current record's key at this node: durable, and part of what the record
    does."""

    def __init__(self, change: Callable[[str, TimerClock, int | None], None]) -> None:
        self._change = change

    def set(self, name: str, time: int, *, clock: TimerClock = "stream_time") -> None:
        """Has ``on_timer`` called once, when the clock has reached ``time``, in ms since the epoch;
        one that is past fires soon. A timer of this name that is set already is moved. Raises where
        the record has no key, the name more than 255 bytes, or ``time`` is none."""
        self._change(name, clock, time)

    def delete(self, name: str, *, clock: TimerClock = "stream_time") -> None:
        """Cancels it, also where it is due and not handled yet; nothing where none is set."""
        self._change(name, clock, None)
