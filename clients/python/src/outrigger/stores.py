"""Stores as handlers see them: their own writes at once, those of failed records never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any, Generic, TypeVar

from .batch_state import BatchState, key_after, range_question
from .durations import Duration, duration_ms
from .serdes import Serde

K = TypeVar("K")
V = TypeVar("V")
G = TypeVar("G")


@dataclass(frozen=True)
class KeyValueStoreDefinition(Generic[K, V]):
    """A key-value store, declared: give it to ``process`` and to ``ctx.store``. Its changelog is
    ``<application.id>-<name>-changelog``."""

    name: str
    key: Serde[K]
    value: Serde[V]


def key_value_store(name: str, *, key: Serde[K], value: Serde[V]) -> KeyValueStoreDefinition[K, V]:
    return KeyValueStoreDefinition(name, key, value)


@dataclass(frozen=True)
class TimestampedKeyValueStoreDefinition(Generic[K, V]):
    """A key-value store whose values carry timestamps, declared."""

    name: str
    key: Serde[K]
    value: Serde[V]
    # How long an entry lives by stream time, in ms; 0: for ever.
    ttl_ms: int = 0


def timestamped_key_value_store(
    name: str, *, key: Serde[K], value: Serde[V], ttl: Duration | None = None
) -> TimestampedKeyValueStoreDefinition[K, V]:
    """Declares a key-value store whose values carry a timestamp, as Kafka Streams'
    ``TimestampedKeyValueStore``. With ``ttl`` an entry is gone when stream time is so far past its
    timestamp; the wall clock plays no part, so that it lives on while no record comes. Raises
    ValueError for a ``ttl`` that is no duration above 0."""
    ttl_ms = 0 if ttl is None else duration_ms(ttl)
    if ttl is not None and ttl_ms <= 0:
        raise ValueError(
            f'the store "{name}" has a ttl of {ttl}: leave it out, or give more than 0'
        )
    return TimestampedKeyValueStoreDefinition(name, key, value, ttl_ms)


@dataclass(frozen=True)
class ValueAndTimestamp(Generic[V]):
    """A value, and when it was written, in ms."""

    value: V
    timestamp: int


class _Store(Generic[K, G]):
    """What all kinds of stores do: writing never waits. G is what is read of an entry."""

    __slots__ = ("_check", "_keys", "_name", "_read", "_state")

    def __init__(
        self,
        name: str,
        keys: Serde[K],
        read: Callable[[bytes], G],
        state: BatchState,
        check: Callable[[str], None],
    ) -> None:
        self._name = name
        self._keys = keys
        self._read = read
        self._state = state
        self._check = check

    def delete(self, key: K) -> None:
        self._state.put_key(self._key(key), None)

    def _key(self, key: Any, serde: Serde[Any] | None = None) -> bytes:
        self._check(f'store "{self._name}"')
        written = (serde or self._keys).serialize(key)
        if written is None:
            raise TypeError(f'the store "{self._name}" has no null keys')
        return written

    def _value(self, found: bytes | None) -> G | None:
        return None if found is None else self._read(found)

    def _ends(self, from_: K | None, to: K | None) -> tuple[bytes | None, bytes | None]:
        first = None if from_ is None else self._key(from_)
        end = None if to is None else key_after(self._key(to))
        return first, end

    def _entry(self, key: bytes, value: bytes) -> tuple[K, G]:
        self._check("a range")
        return self._keys.deserialize(key), self._read(value)


class _Reads(_Store[K, G]):
    """Of handlers made with ``def``: reads block this handler alone."""

    __slots__ = ()

    def get(self, key: K) -> G | None:
        """None for a key without a value. The record's own key travels with the batch: no hop."""
        name = self._key(key)
        is_known, found = self._state.known(name)
        if is_known:
            return self._value(found)
        answer = self._state.ask(self._state.key_question(name)).result()
        return self._value(self._state.answered(name, answer))

    def range(
        self, from_: K | None, to: K | None, *, reverse: bool = False
    ) -> Iterator[tuple[K, G]]:
        """The entries of keys from ``from_`` to ``to``, both included, in the order of their bytes
        as Kafka Streams' ``range``; None is an open end. Asked of the sidecar page by page."""
        return self._between(*self._ends(from_, to), reverse)

    def all(self, *, reverse: bool = False) -> Iterator[tuple[K, G]]:
        """Every entry."""
        return self._between(None, None, reverse)

    def prefix(
        self, prefix: Any, *, reverse: bool = False, serde: Serde[Any] | None = None
    ) -> Iterator[tuple[K, G]]:
        """The entries whose keys begin with the bytes of ``prefix``, in the order of their bytes,
        as Kafka Streams' ``prefixScan``. It is written with ``serde``, or as the keys are."""
        first = self._key(prefix, serde)
        return self._between(first, _prefix_end(first), reverse)

    def _between(
        self, first: bytes | None, end: bytes | None, reverse: bool
    ) -> Iterator[tuple[K, G]]:
        while True:
            question = range_question(self._state, first, end, reverse)
            page = self._state.ask(question).result()
            for key, value in zip(page.keys, page.values, strict=True):
                yield self._entry(key, value)
            if not page.more or not page.keys:
                return
            first, end = _next_ends(first, end, page.keys[-1], reverse)


class _AsyncReads(_Store[K, G]):
    """Of handlers made with ``async def``."""

    __slots__ = ()

    async def get(self, key: K) -> G | None:
        """None for a key without a value. The record's own key travels with the batch: no hop."""
        name = self._key(key)
        is_known, found = self._state.known(name)
        if is_known:
            return self._value(found)
        answer = await self._state.ask_async(self._state.key_question(name))
        return self._value(self._state.answered(name, answer))

    def range(
        self, from_: K | None, to: K | None, *, reverse: bool = False
    ) -> AsyncIterator[tuple[K, G]]:
        """As KeyValueStore.range, for ``async for``."""
        return self._between(*self._ends(from_, to), reverse)

    def all(self, *, reverse: bool = False) -> AsyncIterator[tuple[K, G]]:
        """Every entry."""
        return self._between(None, None, reverse)

    def prefix(
        self, prefix: Any, *, reverse: bool = False, serde: Serde[Any] | None = None
    ) -> AsyncIterator[tuple[K, G]]:
        """As KeyValueStore.prefix, for ``async for``."""
        first = self._key(prefix, serde)
        return self._between(first, _prefix_end(first), reverse)

    async def _between(
        self, first: bytes | None, end: bytes | None, reverse: bool
    ) -> AsyncIterator[tuple[K, G]]:
        while True:
            question = range_question(self._state, first, end, reverse)
            page = await self._state.ask_async(question)
            for key, value in zip(page.keys, page.values, strict=True):
                yield self._entry(key, value)
            if not page.more or not page.keys:
                return
            first, end = _next_ends(first, end, page.keys[-1], reverse)


class _Plain(_Store[K, V]):
    __slots__ = ("_values",)

    def __init__(
        self,
        definition: KeyValueStoreDefinition[K, V],
        state: BatchState,
        check: Callable[[str], None],
    ) -> None:
        values = definition.value
        super().__init__(definition.name, definition.key, values.deserialize, state, check)
        self._values = values

    def put(self, key: K, value: V) -> None:
        self._state.put_key(self._key(key), self._values.serialize(value))


class _Timestamped(_Store[K, ValueAndTimestamp[V]]):
    __slots__ = ("_timestamp", "_values")

    def __init__(
        self,
        definition: TimestampedKeyValueStoreDefinition[K, V],
        state: BatchState,
        check: Callable[[str], None],
        timestamp: int,
    ) -> None:
        super().__init__(definition.name, definition.key, self._unstamped, state, check)
        self._values = definition.value
        self._timestamp = timestamp

    def put(self, key: K, value: V, timestamp: int | None = None) -> None:
        """``timestamp``, in ms, is the record's where it is left out."""
        written = self._values.serialize(value)
        at = self._timestamp if timestamp is None else timestamp
        self._state.put_key(self._key(key), None if written is None else _STAMP.pack(at) + written)

    def _unstamped(self, stored: bytes) -> ValueAndTimestamp[V]:
        (timestamp,) = _STAMP.unpack_from(stored)
        return ValueAndTimestamp(self._values.deserialize(stored[_STAMP.size :]), timestamp)


class KeyValueStore(_Plain[K, V], _Reads[K, V]):
    """The store in a handler made with ``def``: reads block this handler alone."""

    __slots__ = ()


class AsyncKeyValueStore(_Plain[K, V], _AsyncReads[K, V]):
    """The store in a handler made with ``async def``."""

    __slots__ = ()


class TimestampedKeyValueStore(_Timestamped[K, V], _Reads[K, ValueAndTimestamp[V]]):
    """A store whose values carry timestamps, in a handler made with ``def``."""

    __slots__ = ()


class AsyncTimestampedKeyValueStore(_Timestamped[K, V], _AsyncReads[K, ValueAndTimestamp[V]]):
    """The same in a handler made with ``async def``."""

    __slots__ = ()


# int64 before the value, as Kafka Streams' ValueAndTimestampSerializer.
_STAMP = Struct(">q")


def _prefix_end(prefix: bytes) -> bytes | None:
    """The first key behind all that begin so; None where none is."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def _next_ends(
    first: bytes | None, end: bytes | None, last: bytes, reverse: bool
) -> tuple[bytes | None, bytes | None]:
    return (first, last) if reverse else (key_after(last), end)
