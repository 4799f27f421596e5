"""Runs an application in its unit tests on the sidecar's own kernel, without a broker:

    with TestDriver(app) as driver:
        driver.pipe("flights", [TestRecord("BER", "LH1")], key=utf8, value=utf8)
        assert driver.read("departures", key=utf8, value=utf8)[0].value == "..."

The clock stands still until it is told to move. With pytest, the fixture ``outrigger_driver`` makes
drivers that are closed when their test ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc

from ._driver_process import DriverProcess, start_process
from .app import App
from .errors import OutriggerError
from .gen import testdriver_pb2 as pb
from .serdes import Serde, raw

K = TypeVar("K")
V = TypeVar("V")

# How long the application has for the record at hand when its driver is closed.
STOP_TIMEOUT_SECONDS = 1.0

COMMIT_FAILED = pb.FAULT_COMMIT_FAILED
"""The next commit with records is refused, aborted, and tried again."""
REDELIVER = pb.FAULT_REDELIVER
"""The next commit with records comes too late: the partitions are taken over again, and the records
go out again."""
UNKNOWN_OUTCOME = pb.FAULT_UNKNOWN_OUTCOME
"""The next commit with records takes effect, and its answer is lost."""


class TestDriverError(Exception):
    """A task has stopped at a record, or a call cannot be done; the message says what to do."""

    __test__ = False


@dataclass(frozen=True)
class TestRecord(Generic[K, V]):
    """timestamp: ms since the epoch; the driver's clock where it is left out when piped.
    partition: where it is left out the key decides, as Java's client does.
    """

    __test__ = False

    key: K
    value: V
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes | None]] = field(default=())
    partition: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Settled:
    """committed: every record is done with. waiting: how a record failed that is tried again when
    the clock has moved; else empty."""

    committed: bool
    waiting: str


class TestDriver:
    """Starts the application, and the kernel that it runs on; raises OutriggerError where its
    topology is refused.

    settings: the sidecar's, by their dotted keys. topics: those with more than one partition, or
    that the topology does not name. wall_clock: at the start, in ms since the epoch; now where it
    is left out. timeout: how long the application may take, in seconds of real time. command:
    starts the sidecar; OUTRIGGER_BIN, ``outrigger`` of the path, or npx where it is left out.
    """

    __test__ = False

    def __init__(
        self,
        app: App,
        *,
        settings: Mapping[str, object] | None = None,
        topics: Mapping[str, int] | None = None,
        wall_clock: int | None = None,
        timeout: float = 30.0,
        command: Sequence[str] | None = None,
    ) -> None:
        given = {"application.id": app._application_id or "test", **(settings or {})}
        arguments = [f"--{key}={value}" for key, value in given.items()]
        if wall_clock is not None:
            arguments.append(f"--wall-clock={wall_clock}")
        self._app = app
        self._timeout_ms = round(timeout * 1_000)
        self._failure: BaseException | None = None
        self._process: DriverProcess = start_process(arguments, command)
        self._channel = grpc.insecure_channel(self._process.address)
        app._address, app._token = self._process.address, self._process.token or None
        self._thread = threading.Thread(target=self._run, name="outrigger-app", daemon=True)
        try:
            for name, partitions in (topics or {}).items():
                self._call("CreateTopic", pb.CreateTopicRequest(name=name, partitions=partitions))
            self._thread.start()
            self._await_application()
        except BaseException:
            self._end()
            raise

    def pipe(
        self,
        topic: str,
        records: Iterable[TestRecord[K, V]],
        *,
        key: Serde[Any] = raw,
        value: Serde[Any] = raw,
    ) -> Settled:
        """Appends the records to the topic; returns when nothing is left to do without time
        passing. Raises TestDriverError when a task has stopped at a record."""
        sent = [
            pb.DriverRecord(
                key=None if record.key is None else key.serialize(record.key),
                value=value.serialize(record.value),
                headers=[pb.DriverHeader(key=name, value=data) for name, data in record.headers],
                timestamp=record.timestamp,
                partition=record.partition,
            )
            for record in records
        ]
        request = pb.PipeInputRequest(topic=topic, records=sent, timeout_ms=self._timeout_ms)
        return _settled(self._call("PipeInput", request).settled)

    def read(
        self, topic: str, *, key: Serde[Any] = raw, value: Serde[Any] = raw
    ) -> list[TestRecord[Any, Any]]:
        """The committed records of a topic that were not read yet, as they were written."""
        found: list[TestRecord[Any, Any]] = []
        more = True
        while more:
            page = self._call("ReadOutput", pb.ReadOutputRequest(topic=topic))
            more = page.more
            found += [
                TestRecord(
                    key=key.deserialize(_given(record, "key")),
                    value=value.deserialize(_given(record, "value")),
                    timestamp=record.timestamp,
                    headers=tuple((each.key, _given(each, "value")) for each in record.headers),
                    partition=record.partition,
                    offset=record.offset,
                )
                for record in page.records
            ]
        return found

    def advance_wall_clock(self, ms: int) -> Settled:
        """Moves the clock: back-offs, processing.timeout.ms and the like see that time pass."""
        request = pb.AdvanceWallClockRequest(ms=ms, timeout_ms=self._timeout_ms)
        return _settled(self._call("AdvanceWallClock", request).settled)

    def advance_stream_time(self, timestamp: int) -> Settled:
        """Moves the stream time of every task to a timestamp, in ms since the epoch, as a record of
        it would, but without one: windows whose grace it passes take nothing more. Never back.
        Raises TestDriverError while records that were piped are not done with."""
        request = pb.AdvanceStreamTimeRequest(timestamp=timestamp, timeout_ms=self._timeout_ms)
        return _settled(self._call("AdvanceStreamTime", request).settled)

    @property
    def wall_clock(self) -> int:
        """The driver's clock, in ms since the epoch."""
        return int(self._call("Describe", pb.DescribeRequest()).wall_clock_ms)

    def inject(self, fault: pb.Fault) -> None:
        """Makes the next commit that has records go wrong, once: COMMIT_FAILED, REDELIVER or
        UNKNOWN_OUTCOME."""
        self._call("InjectFault", pb.InjectFaultRequest(fault=fault))

    def store(
        self, name: str, *, key: Serde[Any] = raw, value: Serde[Any] = raw
    ) -> TestStore[Any, Any]:
        """A store of the topology, as it is committed."""

        def read(request: pb.ReadStoreRequest) -> Sequence[pb.StoreEntry]:
            request.store = name
            return list(self._call("ReadStore", request).entries)

        return TestStore(read, key, value)

    def close(self) -> None:
        """Stops the application and the driver."""
        self._app.stop()
        # A handler that hangs would not let it stop; it does when its sidecar is gone.
        self._thread.join(STOP_TIMEOUT_SECONDS)
        self._end()
        self._thread.join(STOP_TIMEOUT_SECONDS)
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> TestDriver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._app.run()
        except BaseException as error:  # It belongs to the test, whose thread is another.
            self._failure = error

    def _await_application(self) -> None:
        request = pb.AwaitApplicationRequest(timeout_ms=self._timeout_ms)
        waiting = self._method("AwaitApplication").future(request, metadata=self._metadata())
        while not waiting.done():
            self._thread.join(0.01)
            if not self._thread.is_alive():
                waiting.cancel()
                raise self._failure or OutriggerError("TEST_DRIVER_REFUSED", "the app has ended")
        try:
            _settled(waiting.result().settled)
        except grpc.RpcError as error:
            raise TestDriverError(_details(error)) from error

    def _call(self, name: str, request: Any) -> Any:
        try:
            return self._method(name)(request, metadata=self._metadata())
        except grpc.RpcError as error:
            raise TestDriverError(_details(error)) from error

    def _method(self, name: str) -> Any:
        answer = getattr(pb, f"{name}Response")
        return self._channel.unary_unary(
            f"/outrigger.v1.TestDriverService/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        token = self._process.token
        return (("outrigger-token", token),) if token else ()

    def _end(self) -> None:
        self._app.stop()
        self._channel.close()
        self._process.stop()


class TestStore(Generic[K, V]):
    """Reads a store; see ``TestDriver.store``."""

    __test__ = False

    def __init__(
        self,
        read: Callable[[pb.ReadStoreRequest], Sequence[pb.StoreEntry]],
        key: Serde[K],
        value: Serde[V],
    ) -> None:
        self._read = read
        self._key = key
        self._value = value

    def get(self, key: K, window_start: int | None = None) -> V | None:
        """The value of a key, in the window that begins at ``window_start`` where there are
        windows; None where there is none."""
        asked = self._key.serialize(key)
        found = self._read(pb.ReadStoreRequest(key=asked, window_start=window_start))
        return self._value.deserialize(found[0].value) if found else None

    def timestamp(self, key: K) -> int | None:
        """Of a timestamped store: the timestamp of the key's value, in ms; None where there is
        none."""
        found = self._read(pb.ReadStoreRequest(key=self._key.serialize(key)))
        return found[0].timestamp if found and found[0].HasField("timestamp") else None

    def entries(self, key: K | None = None) -> list[tuple[K, int | None, V]]:
        """Every entry, or every window of one key, in order: key, start of the window (None where
        there are no windows), value."""
        asked = None if key is None else self._key.serialize(key)
        return [
            (
                self._key.deserialize(entry.key),
                entry.window_start if entry.HasField("window_start") else None,
                self._value.deserialize(entry.value),
            )
            for entry in self._read(pb.ReadStoreRequest(key=asked))
        ]


def _given(message: Any, name: str) -> bytes | None:
    return getattr(message, name) if message.HasField(name) else None


def _settled(settled: pb.Settled) -> Settled:
    if settled.stopped:
        raise TestDriverError("; ".join(settled.stopped))
    return Settled(settled.committed, settled.waiting)


def _details(error: grpc.RpcError) -> str:
    return str(error.details() if isinstance(error, grpc.Call) else error)
