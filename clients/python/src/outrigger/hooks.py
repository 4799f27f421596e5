"""Hooks: code that runs once the record that asked for it has committed."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .emitter import Emitter
from .failures import FailurePolicy
from .gen import topology_pb2 as pb
from .record import Record
from .topology import Node, NodeCode, Serdes, TopologyBuilder

K = TypeVar("K")
P = TypeVar("P")


class HookContext:
    """What a hook's code may look at besides its request."""

    def __init__(self, emitter: Emitter) -> None:
        self._scope = emitter.scope

    @property
    def is_taken(self) -> bool:
        """Whether the request was taken away: another attempt has begun, or will."""
        return self._scope.is_taken()


HookHandler = Callable[[Record[K, P], HookContext], None]
AsyncHookHandler = Callable[[Record[K, P], HookContext], Awaitable[None]]


def is_waiting(handler: Any) -> bool:
    """Whether the handler was made with ``async def``."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - asks for the method itself
    )


def add_hook(
    builder: TopologyBuilder,
    name: str,
    handler: Any,
    serdes: Serdes,
    policy: FailurePolicy | None,
) -> None:
    waits = is_waiting(handler)
    code = _waiting(handler) if waits else _blocking(handler)
    hook = pb.Hook(failure_policy=None if policy is None else policy.wire())
    node = Node(name, serdes, code=code, is_hook=True, is_async=waits)
    builder.add_hook(pb.Node(name=name, hook=hook), node)


def _blocking(handler: HookHandler[Any, Any]) -> NodeCode:
    def code(request: Record[Any, Any], emitter: Emitter) -> Awaitable[None] | None:
        handler(request, HookContext(emitter))
        return None

    return code


def _waiting(handler: AsyncHookHandler[Any, Any]) -> NodeCode:
    async def code(request: Record[Any, Any], emitter: Emitter) -> None:
        try:
            await handler(request, HookContext(emitter))
        except BaseException as error:
            emitter.failed(error)
            raise

    return code
