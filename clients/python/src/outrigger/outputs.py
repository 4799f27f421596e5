"""The columns of ``Outputs``, filled row by row."""

from __future__ import annotations

from .gen import records_pb2 as pb
from .record import Headers

# Bytes that an output, or a header, takes besides its key and value, at most.
_OVERHEAD_BYTES = 40


class Outputs:
    def __init__(self) -> None:
        # Never less than what the message will take.
        self.bytes = 0
        self._inputs: list[int] = []
        self._sinks: list[int] = []
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._null_keys: list[int] = []
        self._null_values: list[int] = []
        self._timestamps: list[int] = []
        self._headers: list[tuple[int, Headers]] = []
        # How many outputs stand before the first with a timestamp of its own.
        self._inherited = 0

    def __len__(self) -> int:
        return len(self._inputs)

    def add(
        self,
        row: int,
        sink: int,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        input_timestamp: int,
        headers: Headers | None,
    ) -> None:
        """``headers`` of None takes the input's."""
        index = len(self._inputs)
        if key is None:
            self._null_keys.append(index)
            key = b""
        if value is None:
            self._null_values.append(index)
            value = b""
        if headers is not None:
            self._headers.append((index, headers))
            for name, data in headers:
                self.bytes += len(name) * 4 + len(data or b"") + _OVERHEAD_BYTES
        if timestamp == input_timestamp and self._inherited == index:
            self._inherited = index + 1
        self._inputs.append(row)
        self._sinks.append(sink)
        self._keys.append(key)
        self._values.append(value)
        self._timestamps.append(timestamp)
        self.bytes += len(key) + len(value) + _OVERHEAD_BYTES

    def truncate(self, count: int, size: int) -> None:
        """Forgets everything from output ``count`` on, which took ``size`` bytes to there: their
        record failed."""
        self.bytes = size
        self._inherited = min(self._inherited, count)
        del self._inputs[count:], self._sinks[count:], self._timestamps[count:]
        del self._keys[count:], self._values[count:]
        for nulls in (self._null_keys, self._null_values):
            while nulls and nulls[-1] >= count:
                nulls.pop()
        while self._headers and self._headers[-1][0] >= count:
            self._headers.pop()

    def finish(self) -> pb.Outputs:
        """As the message wants it: columns that say nothing are left out."""
        return pb.Outputs(
            inputs=self._inputs,
            sinks=self._sinks if any(self._sinks) else [],
            keys=self._keys,
            values=self._values,
            null_keys=self._null_keys,
            null_values=self._null_values,
            timestamps=[] if self._inherited == len(self) else self._timestamps,
            headers=[
                pb.RowHeaders(
                    row=row, headers=[pb.Header(key=key, value=data) for key, data in headers]
                )
                for row, headers in self._headers
            ],
        )
