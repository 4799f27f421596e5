"""Records on their way through the topology."""

from __future__ import annotations

import sys
from typing import Generic, TypeVar

if sys.version_info >= (3, 11):
    from typing import NamedTuple
else:  # which knows no generic ones yet
    from typing_extensions import NamedTuple

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")

Headers = tuple[tuple[str, bytes | None], ...]
"""Key and value, in order; duplicates are kept, and a null value is not an empty one."""


class KeyValue(NamedTuple, Generic[K, V]):
    """A key and a value, without the rest of the record."""

    key: K
    value: V


class Origin(NamedTuple):
    """What the records of one partition in one batch share."""

    topic: str
    partition: int
    base_offset: int
    # Offset minus base_offset of each row; empty when consecutive.
    offset_deltas: list[int]
    application_id: str


class Record(Generic[K, V]):
    """A record; it works its place out only when asked: most handlers never do."""

    __slots__ = ("_index", "_origin", "headers", "key", "timestamp", "value")

    def __init__(
        self,
        key: K,
        value: V,
        timestamp: int,
        headers: Headers,
        origin: Origin,
        index: int,
    ) -> None:
        self.key = key
        self.value = value
        self.timestamp = timestamp
        """ms since the epoch."""
        self.headers = headers
        self._origin = origin
        self._index = index

    @property
    def topic(self) -> str:
        """The topic of the input record that caused this one."""
        return self._origin.topic

    @property
    def partition(self) -> int:
        return self._origin.partition

    @property
    def offset(self) -> int:
        deltas = self._origin.offset_deltas
        return self._origin.base_offset + (deltas[self._index] if deltas else self._index)

    @property
    def idempotency_key(self) -> str:
        """``<application.id>/<topic>-<partition>@<offset>``: the same on every attempt. Give it to
        whatever you call outside Kafka: that happens at least once."""
        return f"{self._origin.application_id}/{self.topic}-{self.partition}@{self.offset}"

    def followed_by(
        self, key: K2, value: V2, timestamp: int | None, headers: Headers | None
    ) -> Record[K2, V2]:
        """What this record becomes when it is forwarded: what is left out is its own."""
        return Record(
            key,
            value,
            self.timestamp if timestamp is None else timestamp,
            self.headers if headers is None else headers,
            self._origin,
            self._index,
        )

    def __repr__(self) -> str:
        return f"Record({self.idempotency_key}, key={self.key!r}, value={self.value!r})"
