"""Windows of time."""

from __future__ import annotations

import struct
import sys
from typing import Generic, TypeVar

if sys.version_info >= (3, 11):
    from typing import NamedTuple
else:  # which knows no generic ones yet
    from typing_extensions import NamedTuple

from .durations import Duration, duration_ms
from .serdes import Serde

K = TypeVar("K")

_START = struct.Struct(">q")


class TumblingWindows(NamedTuple):
    """Windows of fixed size that neither overlap nor leave gaps, aligned to the epoch."""

    size_ms: int
    grace_ms: int


def tumbling(size: Duration, *, grace: Duration = 0) -> TumblingWindows:
    """``grace``: how long after its end a window takes late records, in stream time."""
    size_ms = duration_ms(size)
    if size_ms <= 0:
        raise ValueError(f"a window of {size!r} is none: it must be above 0")
    return TumblingWindows(size_ms, duration_ms(grace))


class Window(NamedTuple):
    """``[start, end)``, in ms since the epoch."""

    start: int
    end: int


class Windowed(NamedTuple, Generic[K]):
    """The key of a windowed aggregate's result."""

    key: K
    window: Window


def windowed(key: Serde[K], size_ms: int) -> Serde[Windowed[K]]:
    """``key | int64 start``, as Kafka's TimeWindowedSerializer."""

    def serialize(value: Windowed[K]) -> bytes:
        return (key.serialize(value.key) or b"") + _START.pack(value.window.start)

    def deserialize(data: bytes | None) -> Windowed[K]:
        if data is None or len(data) < _START.size:
            raise TypeError(f"it has {len(data or b'')} bytes, a windowed key at least 8")
        (start,) = _START.unpack(data[-_START.size :])
        inner = key.deserialize(data[: -_START.size])
        return Windowed(inner, Window(start, start + size_ms))

    return Serde(serialize, deserialize)
