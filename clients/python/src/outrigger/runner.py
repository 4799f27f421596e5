"""Where batches run: threads for handlers made with ``def``, one event loop for ``async def``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from queue import Empty, SimpleQueue
from typing import Any

from .batch_run import drive

# More tasks than that wait for each other; a worker's credit is smaller.
THREADS_MAX = 16
# A thread without work for so long ends.
IDLE_SECONDS = 10.0

Done = Callable[[Any, BaseException | None], None]


class Runner:
    """Runs coroutines to their end and tells. Its threads are daemons: none keeps a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        # The user's own loop, where the application runs within one.
        self._loop = loop
        self._work: SimpleQueue[tuple[Coroutine[Any, Any, Any], Done]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        # Work that is not done yet, whether a thread has it or none does.
        self._pending = 0

    def run(self, work: Coroutine[Any, Any, Any], waits: bool, done: Done) -> None:
        """``waits``: it may suspend, so it goes to the event loop."""
        if waits:
            asyncio.run_coroutine_threadsafe(_tell(work, done), self._event_loop())
            return
        with self._lock:
            self._pending += 1
            # A thread for each piece of work: those that have none wait for one.
            starts = self._threads < min(self._pending, THREADS_MAX)
            if starts:
                self._threads += 1
            self._work.put((work, done))
        if starts:
            threading.Thread(target=self._serve, name="outrigger-task", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                work, done = self._work.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if not self._work.empty():
                        continue
                    self._threads -= 1
                    return
            try:
                value = drive(work)
            except BaseException as error:
                done(None, error)
            else:
                done(value, None)
            with self._lock:
                self._pending -= 1

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=self._loop.run_forever, name="outrigger-loop", daemon=True
            ).start()
        return self._loop


async def _tell(work: Coroutine[Any, Any, Any], done: Done) -> None:
    try:
        value = await work
    except BaseException as error:
        done(None, error)
        if not isinstance(error, Exception):
            raise
    else:
        done(value, None)
