"""Windows of time, and the keys of what they group."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

if sys.version_info >= (3, 11):
    from typing import NamedTuple
else:  # which knows no generic ones yet
    from typing_extensions import NamedTuple

from .durations import Duration, duration_ms
from .serdes import Serde, raw

K = TypeVar("K")

_TIME = struct.Struct(">q")
_TWO_TIMES = struct.Struct(">qq")


class TumblingWindows(NamedTuple):
    """Windows of fixed size that neither overlap nor leave gaps, aligned to the epoch."""

    size_ms: int
    grace_ms: int


class HoppingWindows(NamedTuple):
    """Windows of fixed size that begin each ``advance_ms``, aligned to the epoch: records are in
    several."""

    size_ms: int
    advance_ms: int
    grace_ms: int


class SlidingWindows(NamedTuple):
    """Windows of records that lie at most ``time_difference_ms`` apart, as Kafka Streams'
    (KIP-450)."""

    time_difference_ms: int
    grace_ms: int


class SessionWindows(NamedTuple):
    """Windows of records of a key that follow each other within ``gap_ms``."""

    gap_ms: int
    grace_ms: int


TimeWindows = TumblingWindows | HoppingWindows | SlidingWindows
Windows = TimeWindows | SessionWindows


def tumbling(size: Duration, *, grace: Duration = 0) -> TumblingWindows:
    """``grace``: how long after its end a window takes late records, in stream time. Raises
    ValueError where the size is 0 or no duration."""
    return TumblingWindows(_positive("a window", size), duration_ms(grace))


def hopping(size: Duration, *, advance: Duration, grace: Duration = 0) -> HoppingWindows:
    """Windows of fixed size that overlap: one begins each ``advance``. Raises ValueError where the
    size or the advance is 0, or the advance more than the size: records in between would be in no
    window."""
    size_ms, advance_ms = _positive("a window", size), _positive("an advance", advance)
    if advance_ms > size_ms:
        text = f"windows of {size!r} cannot advance by {advance!r}"
        raise ValueError(f"{text}: records in between would be in none")
    return HoppingWindows(size_ms, advance_ms, duration_ms(grace))


def sliding(time_difference: Duration, *, grace: Duration = 0) -> SlidingWindows:
    """For each record the windows that its time begins or ends: records that lie at most
    ``time_difference`` apart share one. Both ends of such a window are included."""
    return SlidingWindows(duration_ms(time_difference), duration_ms(grace))


def session(gap: Duration, *, grace: Duration = 0) -> SessionWindows:
    """Sessions: records of a key that follow each other within ``gap``. A record that closes a gap
    merges what was two. Both ends of a session are included. Raises ValueError where the gap is
    0."""
    return SessionWindows(_positive("a gap", gap), duration_ms(grace))


def _positive(what: str, duration: Duration) -> int:
    ms = duration_ms(duration)
    if ms <= 0:
        raise ValueError(f"{what} of {duration!r} is none: it must be above 0")
    return ms


def length_ms(windows: TimeWindows) -> int:
    """From the start of a window to its end; a session's is its own."""
    if isinstance(windows, SlidingWindows):
        return windows.time_difference_ms
    return windows.size_ms


class Window(NamedTuple):
    """Its ends, in ms since the epoch: ``end`` is included in sliding windows and sessions
    alone."""

    start: int
    end: int


class Windowed(NamedTuple, Generic[K]):
    """The key of a windowed aggregate's result."""

    key: K
    window: Window


# What making a `Windowed` comes to, without a call in between.
_make: Any = tuple.__new__


def windowed(key: Serde[K], size_ms: int) -> Serde[Windowed[K]]:
    """``key | int64 start``, as Kafka's TimeWindowedSerializer; ``size_ms`` from the start to the
    end."""

    def serialize(value: Windowed[K]) -> bytes:
        return (key.serialize(value.key) or b"") + _TIME.pack(value.window.start)

    # Both at once: several threads read.
    last = _TIME.pack(0), Window(0, size_ms)
    of_key = None if key is raw else key.deserialize

    def deserialize(data: bytes | None) -> Windowed[K]:
        nonlocal last
        if data is None or len(data) < 8:
            raise _too_short(data, 8)
        written = data[-8:]
        known, window = last
        if written != known:
            # Neighbours mostly share their window.
            start = _TIME.unpack(written)[0]
            window = Window(start, start + size_ms)
            last = written, window
        inner: Any = data[:-8]
        made: Windowed[K] = _make(Windowed, (inner if of_key is None else of_key(inner), window))
        return made

    def read_column(column: Sequence[Any]) -> Iterable[Windowed[K]]:
        parts = _parts(column)
        if of_key is not None:
            parts = [(of_key(inner), start) for inner, start in parts]
        return made_of(parts)

    # One by one: each lives as long as its row, and the collector has nothing to look through.
    def made_of(parts: Iterable[tuple[Any, int]]) -> Iterator[Windowed[K]]:
        make, kind = _make, Windowed
        windows: dict[int, Window] = {}
        last = None
        for key, start in parts:
            if start != last:
                last = start
                window = windows.get(start)
                if window is None:
                    window = windows[start] = Window(start, start + size_ms)
            yield make(kind, (key, window))

    return Serde(serialize, deserialize, (f"windowed {size_ms}", key), read_column)


def _parts(column: Sequence[Any]) -> Iterable[tuple[Any, int]]:
    """Key and start of each windowed key. Raises where one is none."""
    sizes = set(map(len, column))
    if sizes and min(sizes) < _TIME.size:
        raise TypeError(f"one has {min(sizes)} bytes, a windowed key at least {_TIME.size}")
    if len(sizes) == 1:
        one = struct.Struct(f">{sizes.pop() - _TIME.size}sq")
        return one.iter_unpack(b"".join(column))
    return [(data[: -_TIME.size], *_TIME.unpack(data[-_TIME.size :])) for data in column]


def session_windowed(key: Serde[K]) -> Serde[Windowed[K]]:
    """``key | int64 end | int64 start``, as Kafka's SessionWindowedSerializer."""

    def serialize(value: Windowed[K]) -> bytes:
        start, end = value.window
        return (key.serialize(value.key) or b"") + _TWO_TIMES.pack(end, start)

    def deserialize(data: bytes | None) -> Windowed[K]:
        if data is None or len(data) < _TWO_TIMES.size:
            raise _too_short(data, _TWO_TIMES.size)
        end, start = _TWO_TIMES.unpack(data[-_TWO_TIMES.size :])
        inner = key.deserialize(data[: -_TWO_TIMES.size])
        return Windowed(inner, Window(start, end))

    return Serde(serialize, deserialize, ("session_windowed", key))


def _too_short(data: bytes | None, least: int) -> TypeError:
    return TypeError(f"it has {len(data or b'')} bytes, a windowed key at least {least}")
