"""The process of a test driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

STOP_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class DriverProcess:
    """It ends with its standard input: one whose test has died ends too."""

    address: str
    token: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def sidecar_command() -> list[str]:
    """OUTRIGGER_BIN, ``outrigger`` of the path, or npx."""
    given = os.environ.get("OUTRIGGER_BIN", "")
    if given:
        return ["node", given] if given.endswith((".js", ".mjs", ".cjs")) else [given]
    return ["outrigger"] if shutil.which("outrigger") else ["npx", "--yes", "outrigger"]


def start_process(arguments: Sequence[str], command: Sequence[str] | None) -> DriverProcess:
    """Starts it, and waits for the line that says where it listens."""
    line = [*(command or sidecar_command()), "test-driver", *arguments]
    said = " ".join(line)
    remedy = "install the package outrigger of npm, or set OUTRIGGER_BIN to its command"
    try:
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        raise RuntimeError(f"`{said}` cannot be started ({error}): {remedy}") from error
    first = process.stdout.readline() if process.stdout is not None else b""
    if not first:
        raise RuntimeError(f"`{said}` ended with {process.wait()}: {remedy}")
    at = json.loads(first)
    return DriverProcess(at["address"], at["token"], process)
