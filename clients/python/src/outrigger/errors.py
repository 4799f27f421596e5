"""What ends an application, and what ends a batch."""

from __future__ import annotations


class OutriggerError(Exception):
    """The sidecar's word that this application cannot run, or that the two cannot understand each
    other; ``code`` has a page in the sidecar's docs/errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class BatchTakenError(Exception):
    """The batch was taken away while a handler waited for state: what it does has no effect."""
