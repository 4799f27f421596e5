"""The application that the conformance kit drives; docs/sdks.md says what each action does."""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import builders
from opentelemetry import propagate

from outrigger import (
    App,
    AsyncProcessorContext,
    DeadLetter,
    FailurePolicy,
    HookContext,
    KStream,
    OutriggerError,
    Park,
    ProcessorContext,
    Record,
    RetryLater,
    StopTask,
    json,
    key_value_store,
    nullable,
    utf8,
)

Action = dict[str, Any]
Command = Record[str | None, list[Action] | None]
Context = ProcessorContext[str | None, str | None]
AsyncContext = AsyncProcessorContext[str | None, str | None]

STATE = key_value_store("state", key=utf8, value=utf8)
TEXT = nullable(utf8)

app = App()


def process(
    policy: FailurePolicy | None = None, topics: str | re.Pattern[str] = "commands"
) -> None:
    is_async = os.environ.get("OUTRIGGER_CONFORMANCE_HANDLER") == "async"
    source: KStream[str | None, Any]
    source = app.stream(topics, key=TEXT, value=nullable(json), name="commands")
    if is_async:
        results = source.process(
            interpret_async, stores=[STATE], name="interpret", failure_policy=policy
        )
    else:
        results = source.process(interpret, stores=[STATE], name="interpret", failure_policy=policy)
    results.to("results", key=TEXT, value=TEXT, name="results")


def policy() -> None:
    process(
        FailurePolicy(
            retry_max=2,
            retry_initial="250ms",
            retry_factor=1.5,
            retry_max_delay="1m",
            retry_jitter=0,
            exhausted="dead_letter",
        )
    )


def hook() -> None:
    process()
    policy = FailurePolicy(retry_max=3, exhausted="dead_letter")
    if os.environ.get("OUTRIGGER_CONFORMANCE_HANDLER") == "async":
        app.after_commit("receipt", receipt_async, key=TEXT, value=TEXT, failure_policy=policy)
    else:
        app.after_commit("receipt", receipt, key=TEXT, value=TEXT, failure_policy=policy)


def receipt(request: Record[str | None, str | None], _: HookContext) -> None:
    value = request.value
    if value is not None and value.startswith("fail"):
        raise ValueError(f"{value} {request.key} {request.idempotency_key}")


async def receipt_async(request: Record[str | None, str | None], ctx: HookContext) -> None:
    await asyncio.sleep(0)
    receipt(request, ctx)


def due(action: Action) -> bool:
    """Whether the action is to be done: one with a marker file only the first time."""
    if "unless" not in action:
        return True
    marker = Path(action["unless"])
    if marker.exists():
        return False
    marker.touch()
    return True


def interpret(command: Command, ctx: Context) -> None:
    if command.value is None:
        ctx.forward(command.key, None)
        return
    notes: list[Any] = []
    store = ctx.store(STATE)
    for action in filter(due, command.value):
        kind = action["do"]
        if kind == "get":
            notes.append(store.get(action["key"]))
        elif kind == "range":
            ends = action.get("from"), action.get("to")
            notes.append(list(store.range(*ends, reverse=action.get("reverse", False))))
        elif kind == "put":
            store.put(action["key"], action["value"])
        elif kind == "delete":
            store.delete(action["key"])
        elif kind == "wait":
            time.sleep(action["ms"] / 1_000)
        else:
            act(action, command, ctx, notes)
    if notes:
        ctx.forward(command.key, jsonlib.dumps(notes))


async def interpret_async(command: Command, ctx: AsyncContext) -> None:
    if command.value is None:
        ctx.forward(command.key, None)
        return
    notes: list[Any] = []
    store = ctx.store(STATE)
    for action in filter(due, command.value):
        kind = action["do"]
        if kind == "get":
            notes.append(await store.get(action["key"]))
        elif kind == "range":
            ends = action.get("from"), action.get("to")
            entries = store.range(*ends, reverse=action.get("reverse", False))
            notes.append([entry async for entry in entries])
        elif kind == "put":
            store.put(action["key"], action["value"])
        elif kind == "delete":
            store.delete(action["key"])
        elif kind == "wait":
            await asyncio.sleep(action["ms"] / 1_000)
        else:
            act(action, command, ctx, notes)
    if notes:
        ctx.forward(command.key, jsonlib.dumps(notes))


def act(action: Action, command: Command, ctx: Context | AsyncContext, notes: list[Any]) -> None:
    """What never waits, in both kinds of handlers."""
    kind = action["do"]
    if kind == "forward":
        headers = action.get("headers")
        ctx.forward(
            action["key"],
            action["value"],
            timestamp=action.get("timestamp"),
            headers=None if headers is None else tuple((k, encoded(v)) for k, v in headers),
        )
    elif kind == "afterCommit":
        ctx.after_commit("receipt", action["value"])
    elif kind == "describe":
        notes.append(description(command))
    elif kind == "trace":
        carried: dict[str, str] = {}
        propagate.inject(carried)
        notes.append(carried.get("traceparent"))
    elif kind == "fail":
        raise failure(action)
    elif kind == "crash":
        os._exit(42)
    else:
        raise ValueError(f'there is no action "{kind}"')


def failure(action: Action) -> Exception:
    message, verdict = action["message"], action.get("verdict")
    if verdict == "retry":
        after = action.get("afterMs")
        return RetryLater(message, None if after is None else after / 1_000)
    if verdict == "deadLetter":
        return DeadLetter(message)
    if verdict == "park":
        return Park(message)
    return StopTask(message) if verdict == "stop" else RuntimeError(message)


def encoded(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def description(command: Command) -> dict[str, Any]:
    return {
        "topic": command.topic,
        "partition": command.partition,
        "offset": command.offset,
        "timestamp": command.timestamp,
        "key": command.key,
        "idempotencyKey": command.idempotency_key,
        "headers": [(k, None if v is None else v.decode()) for k, v in command.headers],
    }


def main() -> int:
    logging.basicConfig(level=logging.WARNING)
    topologies: dict[str, Callable[[], None]] = {
        "process": process,
        "policy": policy,
        "parking": lambda: process(FailurePolicy(exhausted="park")),
        "pattern": lambda: process(topics=re.compile("commands-[a-z]+")),
        "hook": hook,
        **builders(app),
    }
    topologies[os.environ.get("OUTRIGGER_CONFORMANCE_TOPOLOGY") or "process"]()
    try:
        app.run(handle_signals=True)
    except OutriggerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
