"""Stores as handlers see them: their own writes at once, those of failed records never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .batch_state import BatchState, key_after, range_question
from .serdes import Serde

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class KeyValueStoreDefinition(Generic[K, V]):
    """A key-value store, declared: give it to ``process`` and to ``ctx.store``. Its changelog is
    ``<application.id>-<name>-changelog``."""

    name: str
    key: Serde[K]
    value: Serde[V]


def key_value_store(name: str, *, key: Serde[K], value: Serde[V]) -> KeyValueStoreDefinition[K, V]:
    return KeyValueStoreDefinition(name, key, value)


class _Store(Generic[K, V]):
    """What both kinds of stores do: writing never waits."""

    __slots__ = ("_check", "_definition", "_state")

    def __init__(
        self,
        definition: KeyValueStoreDefinition[K, V],
        state: BatchState,
        check: Callable[[str], None],
    ) -> None:
        self._definition = definition
        self._state = state
        self._check = check

    def put(self, key: K, value: V) -> None:
        self._state.put_key(self._key(key), self._definition.value.serialize(value))

    def delete(self, key: K) -> None:
        self._state.put_key(self._key(key), None)

    def _key(self, key: K) -> bytes:
        name = self._definition.name
        self._check(f'store "{name}"')
        written = self._definition.key.serialize(key)
        if written is None:
            raise TypeError(f'the store "{name}" has no null keys')
        return written

    def _value(self, found: bytes | None) -> V | None:
        return None if found is None else self._definition.value.deserialize(found)

    def _ends(self, from_: K | None, to: K | None) -> tuple[bytes | None, bytes | None]:
        first = None if from_ is None else self._key(from_)
        end = None if to is None else key_after(self._key(to))
        return first, end

    def _entry(self, key: bytes, value: bytes) -> tuple[K, V]:
        self._check("a range")
        return self._definition.key.deserialize(key), self._definition.value.deserialize(value)


class KeyValueStore(_Store[K, V]):
    """The store in a handler made with ``def``: reads block this handler alone."""

    __slots__ = ()

    def get(self, key: K) -> V | None:
        """None for a key without a value. The record's own key travels with the batch: no hop."""
        name = self._key(key)
        is_known, found = self._state.known(name)
        if is_known:
            return self._value(found)
        answer = self._state.ask(self._state.key_question(name)).result()
        return self._value(self._state.answered(name, answer))

    def range(
        self, from_: K | None, to: K | None, *, reverse: bool = False
    ) -> Iterator[tuple[K, V]]:
        """The entries of keys from ``from_`` to ``to``, both included, in the order of their bytes
        as Kafka Streams' ``range``; None is an open end. Asked of the sidecar page by page."""
        first, end = self._ends(from_, to)
        while True:
            question = range_question(self._state, first, end, reverse)
            page = self._state.ask(question).result()
            for key, value in zip(page.keys, page.values, strict=True):
                yield self._entry(key, value)
            if not page.more or not page.keys:
                return
            first, end = _next_ends(first, end, page.keys[-1], reverse)

    def all(self, *, reverse: bool = False) -> Iterator[tuple[K, V]]:
        """Every entry."""
        return self.range(None, None, reverse=reverse)


class AsyncKeyValueStore(_Store[K, V]):
    """The store in a handler made with ``async def``."""

    __slots__ = ()

    async def get(self, key: K) -> V | None:
        """None for a key without a value. The record's own key travels with the batch: no hop."""
        name = self._key(key)
        is_known, found = self._state.known(name)
        if is_known:
            return self._value(found)
        answer = await self._state.ask_async(self._state.key_question(name))
        return self._value(self._state.answered(name, answer))

    async def range(
        self, from_: K | None, to: K | None, *, reverse: bool = False
    ) -> AsyncIterator[tuple[K, V]]:
        """As KeyValueStore.range, for ``async for``."""
        first, end = self._ends(from_, to)
        while True:
            question = range_question(self._state, first, end, reverse)
            page = await self._state.ask_async(question)
            for key, value in zip(page.keys, page.values, strict=True):
                yield self._entry(key, value)
            if not page.more or not page.keys:
                return
            first, end = _next_ends(first, end, page.keys[-1], reverse)

    def all(self, *, reverse: bool = False) -> AsyncIterator[tuple[K, V]]:
        """Every entry."""
        return self.range(None, None, reverse=reverse)


def _next_ends(
    first: bytes | None, end: bytes | None, last: bytes, reverse: bool
) -> tuple[bytes | None, bytes | None]:
    return (first, last) if reverse else (key_after(last), end)
