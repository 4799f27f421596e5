"""The columns of ``Outputs``, filled row by row."""

from __future__ import annotations

from collections.abc import Sequence

from .gen import records_pb2 as pb
from .record import Headers

# Bytes that an output, or a header, takes besides its key and value, at most.
OVERHEAD_BYTES = 40


class Outputs:
    """One tuple for each output: they become columns in one step."""

    __slots__ = ("_headers", "_rows", "_takes_over", "bytes")

    def __init__(self) -> None:
        # Never less than what the message will take.
        self.bytes = 0
        # Row, sink, key, value, timestamp.
        self._rows: list[tuple[int, int, bytes | None, bytes | None, int]] = []
        self._headers: list[tuple[int, Headers]] = []
        # Whether every output has its input's timestamp.
        self._takes_over = True

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, sink: int, key: bytes | None, value: bytes | None, time: int) -> None:
        """An output with the timestamp and the headers of its input."""
        self._rows.append((row, sink, key, value, time))
        self.bytes += (len(key) if key else 0) + (len(value) if value else 0) + OVERHEAD_BYTES

    def differs(self, is_of_other_time: bool, headers: Headers | None) -> None:
        """Says of the output that is added next what its input has otherwise; ``headers`` of None
        are the same."""
        if is_of_other_time:
            self._takes_over = False
        if headers is not None:
            self._headers.append((len(self._rows), headers))
            for name, data in headers:
                self.bytes += len(name) * 4 + len(data or b"") + OVERHEAD_BYTES

    def forget(self, row: int) -> None:
        """Forgets what the last row has sent: it failed, and nothing is added after it."""
        while self._rows and self._rows[-1][0] == row:
            self._rows.pop()
        while self._headers and self._headers[-1][0] >= len(self._rows):
            self._headers.pop()

    def add_to(self, outputs: pb.Outputs) -> None:
        """As the message wants it: columns that say nothing are left out."""
        if not self._rows:
            return
        inputs, sinks, keys, values, timestamps = zip(*self._rows, strict=True)
        outputs.inputs.extend(inputs)
        if any(sinks):
            outputs.sinks.extend(sinks)
        outputs.keys.extend(present(keys))
        outputs.values.extend(present(values))
        outputs.null_keys.extend(nulls(keys))
        outputs.null_values.extend(nulls(values))
        if not self._takes_over:
            outputs.timestamps.extend(timestamps)
        for row, headers in self._headers:
            listed = outputs.headers.add(row=row)
            for key, data in headers:
                listed.headers.add(key=key, value=data)


def present(column: Sequence[bytes | None]) -> Sequence[bytes]:
    """Of null an empty one: another column names it."""
    if None not in column:
        return column  # type: ignore[return-value]
    return [b"" if data is None else data for data in column]


def nulls(column: Sequence[bytes | None]) -> list[int]:
    """Where a column has null."""
    if None not in column:
        return []
    return [row for row, data in enumerate(column) if data is None]
