"""Frames above what the other side receives at once: cut into chunks on their way out, put together
on their way in (P-56, P-57)."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import OutriggerError
from .gen import processor_pb2 as pb
from .gen import state_pb2

# The largest frame that this SDK receives, and the largest in chunks where the sidecar agrees.
MAX_FRAME_BYTES = 4 * 1024 * 1024
MAX_MESSAGE_BYTES = 1024 * 1024 * 1024

# What the sidecar takes where it does not say.
_MAX_FRAME_BYTES_DEFAULT = 4 * 1024 * 1024
# What a frame takes besides its columns, and what a chunk's takes besides its data, at most.
_RESULT_OVERHEAD_BYTES = 64 * 1024
_CHUNK_OVERHEAD_BYTES = 16


def columns_bytes_max(welcome: pb.Welcome) -> int:
    """What a result, or a question, may hold: a frame goes whole, or in chunks."""
    frame_bytes = welcome.max_frame_bytes or _MAX_FRAME_BYTES_DEFAULT
    return max(frame_bytes, welcome.max_message_bytes) - _RESULT_OVERHEAD_BYTES


def check_written(written: state_pb2.Mutations, bytes_max: int) -> None:
    """Raises where a question carries more than the sidecar takes."""
    size = sum(map(len, written.values)) + sum(map(len, written.keys))
    if size > bytes_max:
        raise ValueError(
            f"what was written before a range is read takes {size} bytes, the sidecar takes "
            f"{bytes_max}: write less for each record, or raise server.max.message.bytes"
        )


class Chunks:
    """Of frames that come in it holds the one that is not whole yet."""

    def __init__(self) -> None:
        self._frame_bytes_max = _MAX_FRAME_BYTES_DEFAULT
        # Of a frame that comes in chunks; 0 until the welcome has said so.
        self._message_bytes_max = 0
        self._pieces: list[bytes] = []
        self._size = 0

    def outgoing(self, frame: pb.ProcessRequest) -> Iterator[bytes]:
        """What to write for a frame."""
        data = frame.SerializeToString()
        if len(data) <= self._frame_bytes_max:
            yield data
            return
        step = self._frame_bytes_max - _CHUNK_OVERHEAD_BYTES
        for at in range(0, len(data), step):
            chunk = pb.Chunk(data=data[at : at + step], last=at + step >= len(data))
            yield pb.ProcessRequest(chunk=chunk).SerializeToString()

    def incoming(self, frame: pb.ProcessResponse) -> pb.ProcessResponse | None:
        """The frame that came, or that is whole now; None in the midst of one. Raises where the
        sidecar breaks the protocol."""
        kind = frame.WhichOneof("frame")
        if kind == "chunk":
            return self._take(frame.chunk.data, frame.chunk.last)
        if self._size > 0 and kind != "reject":
            raise _broken(f"another frame after {self._size} bytes of one in chunks")
        if kind == "welcome":
            welcome = frame.welcome
            self._frame_bytes_max = welcome.max_frame_bytes or _MAX_FRAME_BYTES_DEFAULT
            self._message_bytes_max = welcome.max_message_bytes
        return frame

    def _take(self, data: bytes, last: bool) -> pb.ProcessResponse | None:
        self._size += len(data)
        if not data or self._size > self._message_bytes_max:
            raise _broken(
                f"{len(data)} bytes as a chunk, {self._size} in all; {self._message_bytes_max} "
                "were agreed on"
            )
        self._pieces.append(data)
        if not last:
            return None
        whole = pb.ProcessResponse.FromString(b"".join(self._pieces))
        self._pieces = []
        self._size = 0
        if whole.HasField("chunk"):
            raise _broken("chunks of a chunk")
        return whole


def _broken(what: str) -> OutriggerError:
    return OutriggerError("PROTOCOL_VIOLATION", f"the sidecar sent {what}")
