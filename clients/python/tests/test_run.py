"""``App.run`` against a gRPC server: connecting, being welcomed or refused, stopping."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import grpc
import pytest

from outrigger import App, OutriggerError, utf8
from outrigger.gen import processor_pb2 as pb
from outrigger.gen import records_pb2

TIMEOUT_SECONDS = 10.0


class Server:
    """A sidecar that plays what it is told, stream by stream, and keeps what it hears."""

    def __init__(self, folder: Any) -> None:
        self.address = f"unix:{folder}/s.sock"
        self.plays: Queue[Callable[[grpc.ServicerContext], Iterator[pb.ProcessResponse]]] = Queue()
        self.heard: Queue[pb.ProcessRequest] = Queue()
        self.tokens: list[Any] = []
        handler = grpc.stream_stream_rpc_method_handler(
            self._process,
            request_deserializer=pb.ProcessRequest.FromString,
            response_serializer=pb.ProcessResponse.SerializeToString,
        )
        service = grpc.method_handlers_generic_handler(
            "outrigger.v1.ProcessorService", {"Process": handler}
        )
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((service,))
        self._server.add_insecure_port(self.address)
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait(TIMEOUT_SECONDS)

    def _process(
        self, requests: Iterator[pb.ProcessRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ProcessResponse]:
        self.tokens.append(dict(context.invocation_metadata()).get("outrigger-token"))
        # As a sidecar does: nothing is said before the hello.
        self.heard.put(next(requests))
        yield from self.plays.get(timeout=TIMEOUT_SECONDS)(context)
        for request in requests:
            self.heard.put(request)

    def hears(self, kind: str) -> pb.ProcessRequest:
        while True:
            request = self.heard.get(timeout=TIMEOUT_SECONDS)
            if request.WhichOneof("frame") == kind:
                return request


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


def welcome(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
    stage = pb.Stage(entries=["p"], sinks=["out"])
    yield pb.ProcessResponse(
        welcome=pb.Welcome(protocol_minor=2, application_id="a", sources=["in"], stages=[stage])
    )


def send_one(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
    yield from welcome(context)
    segment = records_pb2.Segment(keys=[b"k"], values=[b"v"])
    yield pb.ProcessResponse(
        batch=pb.Batch(dispatch_id=1, task_epoch=1, task_id="0_0", segments=[segment])
    )


def refuse(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
    yield pb.ProcessResponse(reject=pb.Reject(code="TOPOLOGY_INVALID", message="no sink"))


def drop(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
    context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
    yield pb.ProcessResponse()


def app_at(server: Server, **over: Any) -> App:
    app = App(address=server.address, default_key=utf8, default_value=utf8, **over)
    app.stream("in").map_values(str.upper, name="p").to("out", name="out")
    return app


def test_it_says_hello_and_ends_its_stream_when_it_is_stopped(server: Server) -> None:
    app = app_at(server, application_id="a", token="secret")
    server.plays.put(send_one)
    running = threading.Thread(target=app.run)
    running.start()
    hello = server.hears("hello").hello
    assert server.hears("result").result.done == 1
    app.stop()
    running.join(TIMEOUT_SECONDS)
    assert not running.is_alive()
    assert (hello.protocol_minor, hello.application_id) == (6, "a")
    assert hello.sdk.name == "outrigger-python"
    assert [node.name for node in hello.topology.nodes] == ["source-01", "p", "out"]
    assert server.tokens == ["secret"]
    assert server.hears("credit").credit.batches == 0


def test_it_connects_again_when_the_sidecar_goes_away(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "outrigger")
    app = app_at(server)
    for play in (drop, drop, welcome):
        server.plays.put(play)
    running = threading.Thread(target=app.run)
    running.start()
    for _ in range(3):
        server.hears("hello")
    app.stop()
    running.join(TIMEOUT_SECONDS)
    assert len(server.tokens) == 3
    said = [record.getMessage() for record in caplog.records]
    assert sum("going away; connecting again in" in line for line in said) == 2
    assert any(line.startswith("serving a") for line in said)


def test_a_refusal_is_raised_with_its_code(server: Server) -> None:
    server.plays.put(refuse)
    with pytest.raises(OutriggerError, match="no sink") as raised:
        app_at(server).run()
    assert raised.value.code == "TOPOLOGY_INVALID"


def test_a_wrong_token_is_not_tried_again(server: Server) -> None:
    def play(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
        yield pb.ProcessResponse()

    server.plays.put(play)
    with pytest.raises(OutriggerError, match="no token") as raised:
        app_at(server).run()
    assert raised.value.code == "UNAUTHENTICATED"


def test_it_stops_on_sigterm_where_it_is_asked_to(server: Server) -> None:
    before = signal.getsignal(signal.SIGTERM)
    server.plays.put(welcome)

    def end() -> None:
        server.hears("hello")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end).start()
    app_at(server).run(handle_signals=True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_async_handlers_run_on_the_loop_that_the_application_runs_in(server: Server) -> None:
    loops: list[Any] = []

    async def handler(record: Any, ctx: Any) -> None:
        loops.append(asyncio.get_running_loop())
        ctx.forward(record.key, record.value)

    def play(context: grpc.ServicerContext) -> Iterator[pb.ProcessResponse]:
        yield from welcome(context)
        batch = pb.Batch(dispatch_id=1, task_id="0_0", task_epoch=1)
        batch.segments.add(keys=[b"k"], values=[b"v"])
        yield pb.ProcessResponse(batch=batch)

    async def main() -> None:
        app = App(address=server.address, default_key=utf8, default_value=utf8)
        app.stream("in").process(handler, name="p").to("out", name="out")
        server.plays.put(play)
        running = asyncio.create_task(app.run_async())
        result = await asyncio.to_thread(server.hears, "result")
        assert list(result.result.outputs.values) == [b"v"]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_without_an_address_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUTRIGGER_ADDRESS", raising=False)
    with pytest.raises(ValueError, match="outrigger run"):
        App().run()
