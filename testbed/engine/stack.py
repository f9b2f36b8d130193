"""A project directory with a state of its own, and what the engine does to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.automation import EngineEvent

from archesai_infra.cli.engine import state
from testbed.engine import processes
from testbed.engine.changes import Changes, changes

OPERATION_SECONDS = 600.0
"""Bound on one operation: a first deployment takes a quarter of a minute on a quiet machine."""

THROW_AWAY = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The state is written once at the end: right where no crash is tested."""

_SAID = 4000
"""Characters that are enough for the engine's diagnostics."""
_WITH_EVENTS = ("up", "preview", "refresh", "destroy")


class OperationError(AssertionError):
    """The engine ended with another status than zero; the message is the end of its output."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}:\n{text[-_SAID:]}")


@dataclass(frozen=True)
class Outcome:
    """One operation of the engine, after its end."""

    status: int
    text: str
    """Standard output and standard error, as the user sees them."""
    events: str
    """The engine's events, one JSON document a line."""
    seconds: float

    @property
    def changes(self) -> Changes:
        """What it did, or would do."""
        return changes(EngineEvent.from_json(json.loads(line)) for line in self.events.splitlines() if line.strip())

    def check(self) -> Outcome:
        """Itself, if the engine was content."""
        if self.status != 0:
            raise OperationError(f"status {self.status}", self.text)
        return self


@dataclass
class Operation:
    """A running engine."""

    process: subprocess.Popen[bytes]
    logs: Path
    """Directory of its output and events."""
    began: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float = OPERATION_SECONDS) -> Outcome:
        """Wait for its end; one that takes too long is ended and is an error."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise OperationError(f"still running after {seconds:.0f} s", self.text()) from None
        return Outcome(self.process.returncode, self.text(), self._events(), time.monotonic() - self.began)

    def text(self) -> str:
        """Its output until now."""
        return _output(self.logs).read_text(encoding="utf-8", errors="replace")

    def until(self, reached: Callable[[str], bool], seconds: float = OPERATION_SECONDS) -> None:
        """Wait until it has written something, or has ended."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and not reached(self.text()):
            if time.monotonic() > deadline:
                self.kill_all()
                raise OperationError(f"the moment did not come within {seconds:.0f} s", self.text())
            time.sleep(0.02)

    def kill(self) -> None:
        """End the engine alone; its plugins finish what they do, and end minutes later or with the stack's tests."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kill_all(self) -> None:
        """End it with everything it started, as a machine that goes down does: a plugin would finish what it does."""
        processes.end(self.logs)
        self.process.wait()

    def _events(self) -> str:
        path = _event_log(self.logs)
        return path.read_text(encoding="utf-8") if path.exists() else ""


def _output(logs: Path) -> Path:
    return logs / "output.txt"


def _event_log(logs: Path) -> Path:
    return logs / "events.json"


class Stack:
    """A stack of a project directory, with its state and logs beside it."""

    def __init__(self, work: Path, environment: Mapping[str, str]) -> None:
        """Create the stack, named like the directory that holds the project.

        Args:
            work: The project; its parent gets the state and the logs.
            environment: Variables of the engine, the kubeconfig among them.
        """
        self.work = work
        self.name = work.parent.name
        self.state = work.parent / "state"
        self.logs = work.parent / "logs"
        for path in (self.state, self.logs):
            path.mkdir()
        self.environment = {
            "PULUMI_BACKEND_URL": state.url(self.state),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
            **environment,
        }
        self.run("stack", "init", "--no-select").check()

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Operation:
        """Start an operation of the engine on the stack."""
        return self._start("pulumi", *arguments, "--non-interactive", "--color=never", environment=environment)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
        """Run an operation to its end, whatever that is."""
        return self.start(*arguments, environment=environment).wait()

    def arches(self, *arguments: str) -> Outcome:
        """Run one of the project's own commands on the stack to its end."""
        return self.start_arches(*arguments).wait()

    def start_arches(self, *arguments: str) -> Operation:
        """Start one of the project's own commands on the stack, in a process group as a terminal makes one."""
        return self._start(str(self.work / ".venv" / "bin" / "arches"), *arguments)

    def up(self, *flags: str) -> Changes:
        """Deploy; raises OperationError unless all went well."""
        return self.run("up", "--yes", "--skip-preview", *flags, environment=THROW_AWAY).check().changes

    def preview(self, *flags: str) -> Changes:
        """What an `up` would do; raises OperationError unless all went well."""
        return self.run("preview", *flags).check().changes

    def destroy(self) -> Changes:
        """Take everything away; raises OperationError unless all went well."""
        return self.run("destroy", "--yes", "--skip-preview", environment=THROW_AWAY).check().changes

    def exported(self, *, reveal: bool = False) -> dict[str, Any]:
        """The state; secret values stay encrypted unless it reveals them."""
        return json.loads(self.run("stack", "export", *(["--show-secrets"] if reveal else [])).check().text)

    def set_secret(self, key: str, value: str) -> None:
        """Set a key of the stack file to an encrypted value."""
        # By standard input: a command line is visible to every user of the machine.
        subprocess.run(
            ["pulumi", "config", "set", "--secret", key, "--stack", self.name, "--non-interactive"],
            cwd=self.work,
            env=os.environ | self.environment,
            input=value,
            text=True,
            capture_output=True,
            check=True,
            timeout=OPERATION_SECONDS,
        )

    def unset(self, key: str) -> None:
        """Take a key out of the stack file."""
        self.run("config", "rm", key).check()

    def end_processes(self) -> None:
        """End what killed operations left running."""
        processes.end(self.logs)

    def _start(self, program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Operation:
        number = len(list(self.logs.iterdir()))
        logs = Path(tempfile.mkdtemp(dir=self.logs, prefix=f"{number:02}-{arguments[0]}-"))
        command = [program, *arguments, "--stack", self.name]
        if program == "pulumi" and arguments[0] in _WITH_EVENTS:
            command.append(f"--event-log={_event_log(logs)}")
        # The event log is an option for tools.
        own = {"PULUMI_DEBUG_COMMANDS": "true", processes.MARK: str(logs)}
        variables = os.environ | self.environment | own | dict(environment or {})
        with _output(logs).open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=self.work,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )
        return Operation(process, logs)
