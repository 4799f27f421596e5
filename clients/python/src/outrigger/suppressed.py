"""How long results are held back."""

from __future__ import annotations

from dataclasses import dataclass

from .durations import Duration, duration_ms
from .gen import topology_pb2 as pb


@dataclass(frozen=True)
class BufferConfig:
    """What a task holds back at most: on disk, with a changelog."""

    max_records: int | None = None
    max_bytes: int | None = None
    emits_early: bool = False

    @staticmethod
    def unbounded() -> BufferConfig:
        """Any number of keys."""
        return BufferConfig()

    @staticmethod
    def shut_down_when_full(
        *, max_records: int | None = None, max_bytes: int | None = None
    ) -> BufferConfig:
        """So much; a task that would hold more stops with SUPPRESS_BUFFER_FULL. ``max_bytes``
        counts keys, values and headers. Raises ValueError for numbers below 1."""
        return _checked(BufferConfig(max_records, max_bytes))

    @staticmethod
    def emit_early_when_full(
        *, max_records: int | None = None, max_bytes: int | None = None
    ) -> BufferConfig:
        """So much; then what has waited longest is forwarded before its time. Raises ValueError for
        numbers below 1."""
        return _checked(BufferConfig(max_records, max_bytes, emits_early=True))

    def wire(self) -> pb.SuppressBuffer:
        full = pb.BUFFER_FULL_EMIT_EARLY if self.emits_early else pb.BUFFER_FULL_SHUT_DOWN
        return pb.SuppressBuffer(
            max_records=self.max_records or 0, max_bytes=self.max_bytes or 0, when_full=full
        )


@dataclass(frozen=True)
class Suppressed:
    """What ``suppress`` takes, as Kafka Streams'."""

    _declared: pb.Suppress

    @staticmethod
    def until_window_closes(buffer: BufferConfig | None = None) -> Suppressed:
        """Until the window closes: each is forwarded once, when stream time has passed its end and
        its grace. ``buffer``: any number of keys where it is left out; none that emits early."""
        declared = pb.Suppress(buffer=(buffer or BufferConfig()).wire())
        declared.until_window_closes.SetInParent()
        return Suppressed(declared)

    @staticmethod
    def until_time_limit(
        time_to_wait_for_more_events: Duration, buffer: BufferConfig | None = None
    ) -> Suppressed:
        """Until so much stream time has passed since the key's first update: later ones take its
        place. Raises ValueError where the time is none."""
        wait_ms = duration_ms(time_to_wait_for_more_events)
        declared = pb.Suppress(
            until_time_limit=pb.UntilTimeLimit(wait_ms=wait_ms),
            buffer=(buffer or BufferConfig()).wire(),
        )
        return Suppressed(declared)

    def wire(self) -> pb.Suppress:
        return self._declared


def _checked(buffer: BufferConfig) -> BufferConfig:
    for limit in (buffer.max_records, buffer.max_bytes):
        if limit is not None and limit < 1:
            raise ValueError(f"a buffer of {limit} is none: give 1 or more")
    return buffer
