from __future__ import annotations

import threading
from typing import Any

import pytest

from outrigger import runner as module
from outrigger.runner import THREADS_MAX, Runner

TIMEOUT_SECONDS = 10.0


class Work:
    """So many pieces of work that block a thread until they may end."""

    def __init__(self, runner: Runner, count: int) -> None:
        self.gate = threading.Event()
        self.started = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.count = count
        for _ in range(count):
            runner.run(self._block(), False, lambda value, error: self.done.release())

    async def _block(self) -> None:
        self.started.release()
        assert self.gate.wait(TIMEOUT_SECONDS)

    def finish(self) -> None:
        self.gate.set()
        for _ in range(self.count):
            assert self.done.acquire(timeout=TIMEOUT_SECONDS)


def test_as_many_run_at_once_as_there_are_threads_for() -> None:
    work = Work(Runner(None), THREADS_MAX + 4)
    for _ in range(THREADS_MAX):
        assert work.started.acquire(timeout=TIMEOUT_SECONDS)
    assert not work.started.acquire(blocking=False)
    work.finish()


def test_it_goes_on_after_more_work_than_threads_and_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    before = set(threading.enumerate())
    runner = Runner(None)
    Work(runner, THREADS_MAX + 4).finish()
    for thread in set(threading.enumerate()) - before:
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive(), "a thread without work ends"
    Work(runner, 1).finish()


def test_it_tells_what_was_raised() -> None:
    told: list[BaseException | None] = []
    done = threading.Event()

    async def fail() -> None:
        raise LookupError("no")

    def tell(value: Any, error: BaseException | None) -> None:
        told.append(error)
        done.set()

    for waits in (False, True):
        done.clear()
        Runner(None).run(fail(), waits, tell)
        assert done.wait(TIMEOUT_SECONDS)
    assert [type(error) for error in told] == [LookupError, LookupError]
