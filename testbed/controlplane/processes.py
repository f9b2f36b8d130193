"""The processes of one rig: logged to files, in one process group, ended with their parent."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL; an API server with open watches would take longer and has nothing to lose."""


class ProcessEndedError(RuntimeError):
    """A process that should run has ended; the message holds the end of its log."""


class Processes:
    """Starts and stops named processes by the ids it was given for them, and nothing else."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        """Start a process whose output goes to `<name>.log`; a second start appends to it."""
        if name in self._running:
            raise RuntimeError(f"{name} was started already")
        group = self._group()
        with self.log_path(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, process_group=group
            )

    def check(self, *, settle: float = 0) -> None:
        """Raise if one of the processes has ended by itself, also if its end shows only a moment after its silence."""
        deadline = time.monotonic() + settle
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise ProcessEndedError(f"{name} ended with status {process.returncode}:\n{self.tail(name)}")
            if time.monotonic() >= deadline:
                return
            time.sleep(0.05)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process."""
        self._running[name].send_signal(number)

    def stop(self, name: str) -> None:
        """End one process: ask, then force."""
        process = self._running.pop(name)
        # A paused process takes SIGTERM only after it continues.
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End everything that was started, and what those processes started in turn."""
        # Last started, first stopped: a server that loses what it depends on takes long to end.
        for name in reversed(list(self._running)):
            self.stop(name)
        if self._watchdog is not None:
            os.killpg(self._watchdog.pid, signal.SIGKILL)
            self._watchdog.communicate()
            self._watchdog = None
        atexit.unregister(self.close)

    def pids(self) -> dict[str, int]:
        """The ids of the running processes, the watchdog's included."""
        known = {"watchdog": self._watchdog.pid} if self._watchdog else {}
        return known | {name: process.pid for name, process in self._running.items()}

    def log_path(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def tail(self, name: str, lines: int = 40) -> str:
        """The last lines of a process's output."""
        with suppress(FileNotFoundError):
            return "\n".join(self.log_path(name).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return f"({name} was never started)"

    def _group(self) -> int:
        """The process group to join, led by a watchdog that is there before anything it watches."""
        if self._watchdog is None:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", Path(__file__).with_name("watchdog.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
            atexit.register(self.close)
        return self._watchdog.pid
