"""One stream to a sidecar."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue

import grpc

from .chunks import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Chunks
from .errors import OutriggerError
from .gen import processor_pb2 as pb
from .gen import topology_pb2

METHOD = "/outrigger.v1.ProcessorService/Process"
PROTOCOL_MINOR = 6
SDK_VERSION = "0.1.0"
# How long a sidecar may take to end a stream that we have half-closed.
END_TIMEOUT_SECONDS = 2.0

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_FRAME_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),
    # HTTP/2's window of what we receive: some batches, so that the sidecar waits for no code.
    ("grpc.http2.lookahead_bytes", 1024 * 1024),
    # A channel of its own for each try: a shared one would stand still in a back-off of its own,
    # which grows to minutes while a sidecar is away.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class Ended:
    """How a stream ended; ``fatal`` where connecting again would end the same way."""

    reason: str
    fatal: OutriggerError | None = None


class Connection:
    """``address`` is ``unix:/path`` or ``host:port``; the token goes along with the call."""

    def __init__(
        self,
        address: str,
        token: str,
        received: Callable[[pb.ProcessResponse], None],
        ended: Callable[[Ended], None],
    ) -> None:
        self._received = received
        self._ended = ended
        self._chunks = Chunks()
        # Bounded by the credit: an answer for each batch held, and the questions that it asks.
        self._frames: SimpleQueue[pb.ProcessRequest | None] = SimpleQueue()
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        stream = self._channel.stream_stream(
            METHOD,
            request_serializer=None,
            response_deserializer=pb.ProcessResponse.FromString,
        )
        metadata = (("outrigger-token", token),) if token else ()
        self._call = stream(self._outgoing(), metadata=metadata)
        threading.Thread(target=self._read, name="outrigger-stream", daemon=True).start()

    def send(self, frame: pb.ProcessRequest) -> None:
        self._frames.put(frame)

    def end(self) -> None:
        """Half-closes after what was sent; the sidecar then ends the stream, or we do."""
        self._frames.put(None)
        timer = threading.Timer(END_TIMEOUT_SECONDS, self.cancel)
        timer.daemon = True
        timer.start()

    def cancel(self) -> None:
        """Ends at once."""
        self._call.cancel()  # type: ignore[no-untyped-call]

    def _outgoing(self) -> Iterator[bytes]:
        while (frame := self._frames.get()) is not None:
            yield from self._chunks.outgoing(frame)

    def _read(self) -> None:
        ended = Ended("the sidecar closed the stream")
        try:
            for frame in self._call:
                whole = self._chunks.incoming(frame)
                if whole is not None:
                    self._received(whole)
        except OutriggerError as error:
            ended = Ended(str(error), error)
            self.cancel()
        except grpc.RpcError as error:
            ended = _ended_by(error)
        finally:
            self._frames.put(None)
            self._channel.close()
            self._ended(ended)


def _ended_by(error: grpc.RpcError) -> Ended:
    # What a call raises is a call too, which the types do not say.
    code = error.code() if isinstance(error, grpc.Call) else None
    details = str(error.details() if isinstance(error, grpc.Call) else error)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return Ended(details, OutriggerError("UNAUTHENTICATED", details))
    if code is grpc.StatusCode.UNIMPLEMENTED:
        text = f"what answers at this address is no sidecar of this protocol ({details})"
        return Ended(details, OutriggerError("PROTOCOL_VERSION", text))
    return Ended(details)


def hello_frame(topology: topology_pb2.Topology, application_id: str) -> pb.ProcessRequest:
    """The first frame of every stream."""
    runtime = f"{platform.python_implementation().lower()} {platform.python_version()}"
    sdk = pb.Sdk(name="outrigger-python", version=SDK_VERSION, runtime=runtime)
    return pb.ProcessRequest(
        hello=pb.Hello(
            protocol_minor=PROTOCOL_MINOR,
            sdk=sdk,
            topology=topology,
            max_frame_bytes=MAX_FRAME_BYTES,
            max_message_bytes=MAX_MESSAGE_BYTES,
            application_id=application_id,
        )
    )
