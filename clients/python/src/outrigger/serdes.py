"""How keys and values are written and read."""

from __future__ import annotations

import json as _json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Serde(Generic[T]):
    """``None`` is a null key or a tombstone, which is not an empty value; a serde that takes none
    raises, and the record fails with the reason."""

    serialize: Callable[[T], bytes | None]
    deserialize: Callable[[bytes | None], T]


def _present(data: bytes | None, serde: str) -> bytes:
    if data is None:
        raise TypeError(f"it is null, and {serde} takes none: use nullable({serde})")
    return data


def _fixed(layout: str, name: str) -> Callable[[bytes | None], Any]:
    packed = struct.Struct(layout)

    def deserialize(data: bytes | None) -> Any:
        given = _present(data, name)
        if len(given) != packed.size:
            raise TypeError(f"it has {len(given)} bytes, {name} takes {packed.size}")
        return packed.unpack(given)[0]

    return deserialize


def _same(data: bytes | None) -> bytes | None:
    return data


raw: Serde[bytes | None] = Serde(_same, _same)
"""Bytes as they are, null included."""

utf8: Serde[str] = Serde(lambda value: value.encode(), lambda data: _present(data, "utf8").decode())
"""Text in UTF-8, as Kafka's StringSerializer."""

int64: Serde[int] = Serde(struct.Struct(">q").pack, _fixed(">q", "int64"))
"""64-bit integer, big-endian, as Kafka's LongSerializer."""

double: Serde[float] = Serde(struct.Struct(">d").pack, _fixed(">d", "double"))
"""IEEE 754 double, big-endian, as Kafka's DoubleSerializer."""


def _to_json(value: Any) -> bytes:
    return _json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


json: Serde[Any] = Serde(_to_json, lambda data: _json.loads(_present(data, "json")))
"""JSON in UTF-8. The type is a promise of the writer: what is read is not checked."""


def nullable(serde: Serde[T]) -> Serde[T | None]:
    """The same serde, with None for a null key or a tombstone."""
    return Serde(
        lambda value: None if value is None else serde.serialize(value),
        lambda data: None if data is None else serde.deserialize(data),
    )
