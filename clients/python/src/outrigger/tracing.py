"""Trace context through records, by OpenTelemetry's global propagator.

Without its API installed nothing here does anything, and headers travel as they are.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .record import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    from opentelemetry import context as _context
    from opentelemetry import propagate as _propagate

    IS_TRACING = True
except ImportError:  # pragma: no cover - where the extra is not installed
    IS_TRACING = False


def has_context() -> bool:
    """Whether anything is current that headers would carry."""
    return IS_TRACING and bool(_context.get_current())


@contextmanager
def in_context_of(headers: Headers) -> Iterator[None]:
    """Within it, the context that the headers carry is current."""
    carried = {key.lower(): data.decode(errors="replace") for key, data in headers if data}
    token = _context.attach(_propagate.extract(carried))
    try:
        yield
    finally:
        _context.detach(token)


def with_context(headers: Headers) -> Headers:
    """The headers with the current context in them; the same tuple where it is in them already."""
    carried: dict[str, str] = {}
    _propagate.inject(carried)
    if not carried:
        return headers
    before = {key.lower(): data for key, data in headers}
    changed = {
        key: data.encode() for key, data in carried.items() if before.get(key) != data.encode()
    }
    if not changed:
        return headers
    kept = tuple(header for header in headers if header[0].lower() not in changed)
    return kept + tuple(changed.items())
