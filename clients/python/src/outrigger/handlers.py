"""Code of nodes that runs a handler, whether it blocks or awaits."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from .emitter import Emitter
from .hooks import is_waiting
from .record import Record
from .timers import FiredTimer, Firing, TimedCode
from .topology import NodeCode


def code_of(handler: Any, blocking: Any, waiting: Any) -> NodeCode:
    """What runs a handler, with a context of the kind that it takes."""
    return _waiting(handler, waiting) if is_waiting(handler) else _blocking(handler, blocking)


def fire_of(timed: TimedCode, blocking: Any, waiting: Any) -> Any:
    """What runs the handler that a firing is for."""

    def fire(record: Record[Any, Any], firing: Firing, emitter: Emitter) -> Awaitable[None] | None:
        handler = timed.handler_of(firing)
        if handler is None:
            return None
        told: Any = record.timestamp
        if not firing.is_punctuation:
            at = (record.timestamp, firing.clock, record.idempotency_key)
            told = FiredTimer(record.key, firing.name, *at)
        if not is_waiting(handler):
            return _blocking(lambda _, context: handler(told, context), blocking)(record, emitter)

        async def called(_: Any, context: Any) -> None:
            await handler(told, context)

        return _waiting(called, waiting)(record, emitter)

    return fire


def _blocking(handler: Any, context_of: Any) -> NodeCode:
    def code(record: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
        context = context_of(emitter, record)
        try:
            handler(record, context)
        except BaseException as error:
            context.fail(error)
            raise
        pending: Awaitable[None] | None = context.finish()
        return pending

    return code


def _waiting(handler: Any, context_of: Any) -> NodeCode:
    async def code(record: Record[Any, Any], emitter: Emitter) -> None:
        context = context_of(emitter, record)
        try:
            await handler(record, context)
        except BaseException as error:
            context.fail(error)
            raise
        pending = context.finish()
        if pending is not None:
            await pending

    return code
