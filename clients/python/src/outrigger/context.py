"""What a handler of ``process`` or ``process_values`` may do besides computing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, overload

from .batch_state import BatchState
from .emitter import Emitter
from .record import Headers, Record
from .stores import (
    AsyncKeyValueStore,
    AsyncTimestampedKeyValueStore,
    KeyValueStore,
    KeyValueStoreDefinition,
    TimestampedKeyValueStore,
    TimestampedKeyValueStoreDefinition,
)
from .timers import TimerClock, Timers

K = TypeVar("K")
V = TypeVar("V")
SK = TypeVar("SK")
SV = TypeVar("SV")
AnyStore = KeyValueStoreDefinition[Any, Any] | TimestampedKeyValueStoreDefinition[Any, Any]


class _Context:
    """One record's context; of no use once its record is done."""

    def __init__(self, emitter: Emitter, record: Record[Any, Any]) -> None:
        self._emitter = emitter
        self._record = record
        # What was forwarded to handlers that wait: they run, in order, after this one.
        self._waiting: list[Callable[[], Awaitable[None] | None]] = []
        # What a forward has raised: the record fails, whatever its handler makes of it.
        self._failure: Exception | None = None
        self._is_open = True

    def _send(self, record: Record[Any, Any]) -> None:
        self._check("forward")
        if self._waiting:
            self._waiting.append(lambda: self._emitter.forward(record))
            return
        try:
            pending = self._emitter.forward(record)
        except Exception as error:
            if self._failure is None:
                self._failure = error
            raise
        if pending is not None:
            self._waiting.append(lambda: pending)

    @property
    def timers(self) -> Timers:
        """Of the record's key; only where the node was given ``on_timer``."""
        return Timers(self._change_timer)

    def _change_timer(self, name: str, clock: TimerClock, time: int | None) -> None:
        self._check(f'timer "{name}"')
        key = self._emitter.node.input.key.serialize(self._record.key)
        self._emitter.timers().change(key, name, clock, time)

    @property
    def is_taken(self) -> bool:
        """Whether the batch was taken away: what is computed from then on has no effect."""
        return self._emitter.scope.is_taken()

    def finish(self) -> Awaitable[None] | None:
        """The handler has returned: an awaitable where what it forwarded waits."""
        if self._failure is not None:
            self.close()
            raise self._failure
        if self._waiting:
            return self._drain()
        self._is_open = False
        return None

    async def _drain(self) -> None:
        try:
            for send in self._waiting:
                pending = send()
                if pending is not None:
                    await pending
        finally:
            self._is_open = False

    def fail(self, error: BaseException) -> None:
        """The handler has raised: nothing of the record may run on."""
        self._emitter.failed(error)
        self.close()

    def close(self) -> None:
        self._is_open = False
        for send in self._waiting[:1]:
            pending = send()
            # A coroutine that was begun by nobody says so, unless it is closed.
            if pending is not None and hasattr(pending, "close"):
                pending.close()

    def _opened(self, name: str) -> BatchState:
        if name not in self._emitter.node.stores:
            raise ValueError(
                f'the store "{name}" was not given to this processor: name it in `stores`'
            )
        return self._emitter.scope.state(name)

    def _check(self, what: str) -> None:
        if not self._is_open:
            raise RuntimeError(f"{what} came after the record was done: wait for what you start")


class _AnyKey(_Context, Generic[K, V]):
    """Of ``process``."""

    def forward(
        self,
        key: K,
        value: V,
        *,
        timestamp: int | None = None,
        headers: Headers | None = None,
    ) -> None:
        """Sends a record on; it is written in the transaction of its input's offset. ``timestamp``
        (ms) and ``headers`` are the input record's where they are left out."""
        self._send(self._record.followed_by(key, value, timestamp, headers))

    def after_commit(self, hook: str, payload: Any) -> None:
        """Asks for a hook, which ``app.after_commit`` has declared: it runs once the record has
        committed, at least once. It gets the record's key, time and headers, and ``payload`` as its
        value. A record that fails has asked for nothing."""
        self._check("after_commit")
        try:
            self._emitter.request(hook, self._record, payload)
        except Exception as error:
            if self._failure is None:
                self._failure = error
            raise


class _FixedKey(_Context, Generic[V]):
    """Of ``process_values``."""

    def forward(
        self, value: V, *, timestamp: int | None = None, headers: Headers | None = None
    ) -> None:
        """Sends a value on under the record's own key, as ``process`` sends records."""
        self._send(self._record.followed_by(self._record.key, value, timestamp, headers))


class _Blocking(_Context):
    @overload
    def store(self, definition: KeyValueStoreDefinition[SK, SV]) -> KeyValueStore[SK, SV]: ...
    @overload
    def store(
        self, definition: TimestampedKeyValueStoreDefinition[SK, SV]
    ) -> TimestampedKeyValueStore[SK, SV]: ...
    def store(self, definition: AnyStore) -> Any:
        """A store that was given to the processor."""
        state = self._opened(definition.name)
        if isinstance(definition, KeyValueStoreDefinition):
            return KeyValueStore(definition, state, self._check)
        return TimestampedKeyValueStore(definition, state, self._check, self._record.timestamp)


class _Awaiting(_Context):
    @overload
    def store(self, definition: KeyValueStoreDefinition[SK, SV]) -> AsyncKeyValueStore[SK, SV]: ...
    @overload
    def store(
        self, definition: TimestampedKeyValueStoreDefinition[SK, SV]
    ) -> AsyncTimestampedKeyValueStore[SK, SV]: ...
    def store(self, definition: AnyStore) -> Any:
        """A store that was given to the processor."""
        state = self._opened(definition.name)
        if isinstance(definition, KeyValueStoreDefinition):
            return AsyncKeyValueStore(definition, state, self._check)
        timestamp = self._record.timestamp
        return AsyncTimestampedKeyValueStore(definition, state, self._check, timestamp)


class ProcessorContext(_AnyKey[K, V], _Blocking):
    """For handlers of ``process`` made with ``def``."""


class AsyncProcessorContext(_AnyKey[K, V], _Awaiting):
    """For handlers of ``process`` made with ``async def``."""


class FixedKeyProcessorContext(_FixedKey[V], _Blocking):
    """For handlers of ``process_values`` made with ``def``: the key of their record stays."""


class AsyncFixedKeyProcessorContext(_FixedKey[V], _Awaiting):
    """For handlers of ``process_values`` made with ``async def``: the key of their record stays."""
