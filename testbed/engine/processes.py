"""Processes that an operation started, found by a variable that they inherit: their parents may have ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "ARCHESAI_TESTED_OPERATION"
"""Holds the directory of the logs of the operation that a process belongs to."""
_PAUSE_SECONDS = 0.02


def of_operation(logs: Path) -> list[int]:
    """Ids of the processes of one operation, or of all whose logs are in a directory; zombies are not among them."""
    return [process for process, mark in _marked() if mark == logs or logs in mark.parents]


def end(logs: Path) -> None:
    """End them by SIGKILL; on return none runs, also none that one of them started meanwhile."""
    while running := of_operation(logs):
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


def _marked() -> Iterator[tuple[int, Path]]:
    prefix = f"{MARK}=".encode()
    for directory in Path("/proc").glob("[0-9]*"):
        # Processes end while this reads, and those of other users are not readable.
        with suppress(OSError):
            for variable in (directory / "environ").read_bytes().split(b"\0"):
                if variable.startswith(prefix):
                    yield int(directory.name), Path(os.fsdecode(variable.removeprefix(prefix)))
