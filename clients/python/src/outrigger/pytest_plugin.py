"""What pytest finds where this package is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .testing import TestDriver


@pytest.fixture
def outrigger_driver() -> Iterator[Callable[..., TestDriver]]:
    """Makes a TestDriver of an application, with TestDriver's arguments; it is closed when the
    test ends."""
    with ExitStack() as drivers:

        def start(*arguments: Any, **options: Any) -> TestDriver:
            return drivers.enter_context(TestDriver(*arguments, **options))

        yield start
