"""An application: declare its streams, then ``app.run()``."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from .connection import Connection, Ended, hello_frame
from .errors import OutriggerError
from .failures import FailurePolicy
from .gen import processor_pb2 as pb
from .gen import topology_pb2
from .hooks import AsyncHookHandler, HookHandler, add_hook
from .runner import Runner
from .serdes import Serde, raw
from .session import Session
from .streams import KStream
from .topology import Node, Serdes, TopologyBuilder
from .upstream import Upstream

K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger("outrigger")

# Pauses between connections. Each is about a fifth of the time that was waited already, so that an
# application which is started together with its sidecar loses next to nothing.
BACK_OFF_FIRST_SECONDS = 0.02
BACK_OFF_GROWTH = 1.2
BACK_OFF_MAX_SECONDS = 5.0
# Beyond so many tries the pause is the longest.
BACK_OFF_TRIES = 31
# A shorter pause is nothing to be told of: a sidecar that starts is not there yet.
BACK_OFF_TOLD_SECONDS = 0.1


class App:
    """
    address: ``unix:/path`` or ``host:port``; OUTRIGGER_ADDRESS where it is left out.
    token: the sidecar's, over TCP; OUTRIGGER_TOKEN where it is left out.
    application_id: checked against the sidecar's; left out, the sidecar's is taken.
    default_key, default_value: for sources, sinks and groupings that name no serde. Default: bytes
        as they are.
    """

    def __init__(
        self,
        *,
        address: str | None = None,
        token: str | None = None,
        application_id: str = "",
        default_key: Serde[Any] = raw,
        default_value: Serde[Any] = raw,
    ) -> None:
        self._address = address
        self._token = token
        self._application_id = application_id
        self._builder = TopologyBuilder(Serdes(default_key, default_value))
        self._stopping = threading.Event()
        self._wake = threading.Event()

    @overload
    def stream(
        self,
        *topics: str | re.Pattern[str],
        key: Serde[K],
        value: Serde[V],
        name: str | None = None,
    ) -> KStream[K, V]: ...
    @overload
    def stream(
        self, *topics: str | re.Pattern[str], key: Serde[K], name: str | None = None
    ) -> KStream[K, Any]: ...
    @overload
    def stream(
        self, *topics: str | re.Pattern[str], value: Serde[V], name: str | None = None
    ) -> KStream[Any, V]: ...
    @overload
    def stream(
        self, *topics: str | re.Pattern[str], name: str | None = None
    ) -> KStream[Any, Any]: ...
    def stream(
        self,
        *topics: str | re.Pattern[str],
        key: Serde[Any] | None = None,
        value: Serde[Any] | None = None,
        name: str | None = None,
    ) -> KStream[Any, Any]:
        """Reads topics; the serdes say what the handlers get.

        topics: their names, or one compiled pattern: it stands for every topic whose whole name it
        matches, also for those that are made while the application runs. It takes no flags: a
        ValueError.
        """
        serdes = self._builder.serdes(key, value)
        declared = topology_pb2.Node(source=_source_of(topics))
        node = self._builder.add("source", declared, (), name, Node("", serdes))
        return KStream(Upstream(self._builder, (node,), serdes.key, serdes.value))

    @overload
    def after_commit(
        self,
        name: str,
        handler: AsyncHookHandler[K, V],
        *,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> None: ...
    @overload
    def after_commit(
        self,
        name: str,
        handler: HookHandler[K, V],
        *,
        key: Serde[K] | None = None,
        value: Serde[V] | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> None: ...
    def after_commit(
        self,
        name: str,
        handler: Any,
        *,
        key: Serde[Any] | None = None,
        value: Serde[Any] | None = None,
        failure_policy: FailurePolicy | None = None,
    ) -> None:
        """Declares a hook: ``ctx.after_commit(name, payload)`` in a handler of ``process`` has it
        run once the transaction of the handler's record has committed, and never for a record that
        failed. It runs **at least once** for each request, in the order of the records of a
        partition; ``request.idempotency_key`` is the same on every attempt. ``key`` and ``value``
        are the serdes of its requests."""
        serdes = self._builder.serdes(key, value)
        add_hook(self._builder, name, handler, serdes, failure_policy)

    def run(self, *, handle_signals: bool = False) -> None:
        """Serves until ``stop``; connects again, with back-off, whenever the sidecar goes away.
        Handlers made with ``async def`` run on an event loop in a thread of its own.

        handle_signals: stop on SIGTERM and SIGINT too; for the main thread only. Raises
        OutriggerError when the sidecar refuses the application.
        """
        with self._signals(handle_signals):
            self._serve(Runner(None))

    async def run_async(self, *, handle_signals: bool = False) -> None:
        """The same within a running event loop, on which ``async def`` handlers run. Cancelling it
        stops gracefully."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT) if handle_signals else ()
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        serving = loop.run_in_executor(None, self._serve, Runner(loop))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self.stop()
            await serving
            raise
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Stops gracefully: the record being worked on is finished, the rest handed back. From any
        thread, and from signal handlers."""
        self._stopping.set()
        self._wake.set()

    @contextmanager
    def _signals(self, handled: bool) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT) if handled else ()
        before = [(number, signal.signal(number, lambda *_: self.stop())) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def _serve(self, runner: Runner) -> None:
        address = self._address or os.environ.get("OUTRIGGER_ADDRESS", "")
        if not address:
            raise ValueError(
                "no sidecar address: start the application with `outrigger run -- <command>`, "
                "which sets OUTRIGGER_ADDRESS, or pass `address` to App"
            )
        tries = 0
        while not self._stopping.is_set():
            stream = _Stream(self, address, runner)
            ended = stream.serve()
            error = stream.rejection or ended.fatal
            if error is not None:
                raise error
            if self._stopping.is_set():
                return
            tries = 0 if stream.was_welcome else tries + 1
            longest = _longest_pause_seconds(tries)
            pause = longest * random.uniform(0.5, 1.0)
            is_told = stream.was_welcome or longest >= BACK_OFF_TOLD_SECONDS
            level = logging.WARNING if is_told else logging.INFO
            log.log(level, "%s; connecting again in %d ms", ended.reason, pause * 1_000)
            self._stopping.wait(pause)


def _longest_pause_seconds(tries: int) -> float:
    grown: float = BACK_OFF_FIRST_SECONDS * BACK_OFF_GROWTH ** min(tries, BACK_OFF_TRIES)
    return min(BACK_OFF_MAX_SECONDS, grown)


class _Stream:
    """One stream, from hello to its end."""

    def __init__(self, app: App, address: str, runner: Runner) -> None:
        self._app = app
        self.was_welcome = False
        self.rejection: OutriggerError | None = None
        self._ended: Ended | None = None
        self._session = Session(app._builder.nodes, self, runner)
        token = app._token or os.environ.get("OUTRIGGER_TOKEN", "")
        self._connection = Connection(address, token, self._session.received, self._end)
        self._connection.send(hello_frame(app._builder.build(), app._application_id))

    def serve(self) -> Ended:
        wake = self._app._wake
        has_stopped = False
        while self._ended is None:
            # A time-out, because a wait without one hears no signals on some platforms.
            wake.wait(1.0)
            wake.clear()
            if self._app._stopping.is_set() and not has_stopped:
                has_stopped = True
                self._session.stop()
        self._session.close()
        return self._ended

    def _end(self, ended: Ended) -> None:
        self._ended = ended
        self._app._wake.set()

    def send(self, frame: pb.ProcessRequest) -> None:
        self._connection.send(frame)

    def welcomed(self, welcome: pb.Welcome) -> None:
        needed = self._app._builder.minor_needed
        if welcome.protocol_minor < needed:
            text = (
                f"the sidecar speaks outrigger.v1 minor version {welcome.protocol_minor}, and "
                f"timers need {needed}: run a newer sidecar"
            )
            self.rejected(OutriggerError("PROTOCOL_VERSION", text))
            return
        self.was_welcome = True
        log.info("serving %s, sidecar %s", welcome.application_id, welcome.sidecar_version)

    def rejected(self, error: OutriggerError) -> None:
        self.rejection = self.rejection or error
        self._connection.cancel()

    def idle(self) -> None:
        self._connection.end()


def _source_of(topics: tuple[str | re.Pattern[str], ...]) -> topology_pb2.Source:
    names = [topic for topic in topics if isinstance(topic, str)]
    if len(names) == len(topics):
        return topology_pb2.Source(topics=names)
    (pattern, *others) = topics
    if others or isinstance(pattern, str):
        raise ValueError("a stream reads topics by name or by one pattern: make a stream of each")
    if pattern.flags != re.UNICODE:
        raise ValueError(f"a pattern of topics takes no flags: leave out {pattern.flags!r}")
    return topology_pb2.Source(pattern=pattern.pattern)
