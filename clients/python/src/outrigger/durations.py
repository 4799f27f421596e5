"""Durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

Duration = int | str | timedelta
"""Milliseconds, a number with a unit (``"500ms"``, ``"5m"``, ``"1d"``), or a timedelta."""

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")


def duration_ms(duration: Duration) -> int:
    """Raises ValueError for what is no duration, is negative or is no whole number of ms."""
    if isinstance(duration, timedelta):
        ms = duration / timedelta(milliseconds=1)
    else:
        found = _PATTERN.fullmatch(str(duration))
        if found is None:
            raise ValueError(_reason(duration))
        ms = float(found[1]) * _UNITS[found[2] or "ms"]
    if ms < 0 or ms != int(ms):
        raise ValueError(_reason(duration))
    return int(ms)


def _reason(duration: Duration) -> str:
    return (
        f"{duration!r} is no duration: give milliseconds, a number with ms, s, m, h or d, or a "
        "timedelta"
    )
