"""How keys and values are written and read."""

from __future__ import annotations

import json as _json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Serde(Generic[T]):
    """``None`` is a null key or a tombstone, which is not an empty value; a serde that takes none
    raises, and the record fails with the reason."""

    serialize: Callable[[T], bytes | None]
    deserialize: Callable[[bytes | None], T]
    # How it was made of another one, and which: what is made alike is the same.
    made_of: tuple[str, Serde[Any]] | None = field(default=None, repr=False, compare=False)
    # Reads many at once, as `deserialize` does each. Raises, whatever it may be, where it does;
    # what it returns raises no more.
    read_column: Callable[[Sequence[bytes | None]], Iterable[T]] | None = field(
        default=None, repr=False, compare=False
    )

    def is_same_as(self, other: Serde[Any]) -> bool:
        """Whether both write and read alike, as far as can be known."""
        if self == other:
            return True
        if self.made_of is None or other.made_of is None:
            return False
        (how, of), (other_how, other_of) = self.made_of, other.made_of
        return how == other_how and of.is_same_as(other_of)


def _present(data: bytes | None, serde: str) -> bytes:
    if data is None:
        raise TypeError(f"it is null, and {serde} takes none: use nullable({serde})")
    return data


def _fixed(code: str, name: str) -> Serde[Any]:
    packed = struct.Struct(f">{code}")

    def deserialize(data: bytes | None) -> Any:
        given = _present(data, name)
        if len(given) != packed.size:
            raise TypeError(f"it has {len(given)} bytes, {name} takes {packed.size}")
        return packed.unpack(given)[0]

    def read_column(column: Sequence[Any]) -> Sequence[Any]:
        if column and set(map(len, column)) != {packed.size}:
            raise TypeError(f"not all have the {packed.size} bytes of {name}")
        return struct.unpack(f">{len(column)}{code}", b"".join(column))

    return Serde(packed.pack, deserialize, read_column=read_column)


def _same(data: bytes | None) -> bytes | None:
    return data


def _only_bytes(value: bytes | None) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    raise TypeError(f"it is of the type {type(value).__name__}, raw takes bytes: name its serde")


raw: Serde[bytes | None] = Serde(_only_bytes, _same)
"""Bytes as they are, null included."""

utf8: Serde[str] = Serde(
    lambda value: value.encode(),
    lambda data: _present(data, "utf8").decode(),
    read_column=lambda column: [data.decode() for data in column],  # type: ignore[union-attr]
)
"""Text in UTF-8, as Kafka's StringSerializer."""

int64: Serde[int] = _fixed("q", "int64")
"""64-bit integer, big-endian, as Kafka's LongSerializer."""

int32: Serde[int] = _fixed("i", "int32")
"""32-bit integer, big-endian, as Kafka's IntegerSerializer."""

double: Serde[float] = _fixed("d", "double")
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
        ("nullable", serde),
    )
