"""Makes records of a segment's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any

from .gen import records_pb2 as pb
from .record import Headers, Origin, Record
from .serdes import Serde, raw
from .timers import Firing, firing_of
from .topology import Serdes

_NO_HEADERS: Headers = ()


class SegmentReader:
    def __init__(
        self,
        sources: Sequence[str],
        application_id: str,
        timer_sources: Mapping[int, str],
        segment: pb.Segment,
    ) -> None:
        # The node whose timers its rows are; None where they are records.
        self.timers_of = timer_sources.get(segment.source)
        if segment.source >= len(sources):
            raise RuntimeError(f"the sidecar's batch has no source {segment.source}")
        self.origin = Origin(
            sources[segment.source],
            segment.partition,
            segment.base_offset,
            list(segment.offset_deltas),
            application_id,
        )
        self._keys = keys_of(segment)
        self._values = _with_nulls(segment.values[:], segment.null_values)
        self._segment = segment
        self._headers: dict[int, Headers] = {
            listed.row: tuple(
                (header.key, header.value if header.HasField("value") else None)
                for header in listed.headers
            )
            for listed in segment.headers
        }

    def __len__(self) -> int:
        return len(self._keys)

    @cached_property
    def timestamps(self) -> Sequence[int]:
        """The same int for a row each time: whoever forwards it forwards the input's timestamp."""
        base, deltas = self.base_and_deltas()
        return [base + delta for delta in deltas]

    def base_and_deltas(self) -> tuple[int, Sequence[int]]:
        """A row's timestamp is the sum of the base and its delta."""
        deltas = self._segment.timestamp_deltas[:]
        return self._segment.base_timestamp, deltas or [0] * len(self._keys)

    def timestamp(self, index: int) -> int:
        return self.timestamps[index]

    def headers(self, index: int) -> Headers:
        """The same tuple for the same row: whoever forwards it forwards the input's headers."""
        return self._headers.get(index, _NO_HEADERS)

    def record(self, index: int, serdes: Serdes) -> Record[Any, Any]:
        return Record(
            self._read("key", index, serdes.key, self._keys[index]),
            self._read("value", index, serdes.value, self._values[index]),
            self.timestamp(index),
            self.headers(index),
            self.origin,
            index,
        )

    def records(self, serdes: Serdes) -> list[Record[Any, Any]] | None:
        """All rows at once; None where one of them cannot be read: then the others come first."""
        columns = self.columns(serdes)
        if columns is None:
            return None
        keys, values = columns
        rows = range(len(self))
        headers: Iterable[Headers] = (
            [self.headers(row) for row in rows] if self._headers else repeat(_NO_HEADERS)
        )
        return list(map(Record, keys, values, self.timestamps, headers, repeat(self.origin), rows))

    def columns(self, serdes: Serdes) -> tuple[Iterable[Any], Iterable[Any]] | None:
        """Keys and values of all rows, to be gone through once; None where one of them cannot be
        read."""
        try:
            return (
                _column(serdes.key, self._keys),
                _column(serdes.value, self._values),
            )
        except Exception:
            return None

    def has_headers(self) -> bool:
        """Whether any row has."""
        return bool(self._headers)

    def fired(self, index: int, key: Serde[Any]) -> tuple[Record[Any, Any], Firing]:
        """A row that tells of a timer or a punctuation."""
        firing = firing_of(self._values[index])
        found = None if firing.is_punctuation else self._read("key", index, key, self._keys[index])
        headers = self.headers(index)
        at = self.timestamp(index)
        return Record(found, None, at, headers, self.origin, index), firing

    def _read(self, what: str, index: int, serde: Serde[Any], data: bytes | None) -> Any:
        try:
            return serde.deserialize(data)
        except Exception as error:
            at = Record(None, None, 0, _NO_HEADERS, self.origin, index).idempotency_key
            raise TypeError(f"the {what} of {at} cannot be read: {error}") from error


def _column(serde: Serde[Any], column: list[bytes | None]) -> Iterable[Any]:
    if serde.deserialize is raw.deserialize:
        return column
    if serde.read_column is not None:
        return serde.read_column(column)
    return list(map(serde.deserialize, column))


def keys_of(segment: pb.Segment) -> list[bytes | None]:
    return _with_nulls(segment.keys[:], segment.null_keys)


def _with_nulls(column: list[Any], rows: Iterable[int]) -> list[bytes | None]:
    for row in rows:
        column[row] = None
    return column
