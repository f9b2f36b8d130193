"""The engine's own command, where the Automation API would put secrets on a command line or into a file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.engine.engine import Engine

ENGINE_SECONDS = 120
_NO_STACK = "no stack named"
_PIPE_BYTES = 4096
"""What a pipe holds on every system before somebody reads it."""


@contextmanager
def _holding(content: bytes) -> Generator[int]:
    """A standard input that holds its whole content before the engine starts.

    The end of this process would else be the end of the content: killed before it writes, it has the engine set a key
    to nothing.
    """
    if len(content) <= _PIPE_BYTES:
        reading, writing = os.pipe()
        try:
            os.write(writing, content)
            os.close(writing)
            yield reading
        finally:
            os.close(reading)
    else:
        # A state: what is secret in it is encrypted.
        with TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            yield file.fileno()


@dataclass(frozen=True)
class Command:
    """`pulumi … --stack <stack>` in a project directory."""

    root: Path
    stack: str
    engine: Engine
    variables: Mapping[str, str]
    """Variables in addition to this process' environment."""

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Its output; a stack that the state lacks is created first. Raises CommandError with the engine's message."""
        done = self._run(arguments, stdin)
        if done.returncode and _NO_STACK in done.stderr:
            self._output(self._run(("stack", "init", "--no-select"), ""))
            done = self._run(arguments, stdin)
        return self._output(done)

    def find(self, *arguments: str) -> str | None:
        """The same, but None where the state has no such stack."""
        done = self._run(arguments, "")
        return None if done.returncode and _NO_STACK in done.stderr else self._output(done)

    def _run(self, arguments: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
        with _holding(stdin.encode()) as given:
            return subprocess.run(
                [self.engine.command, *arguments, "--stack", self.stack, "--non-interactive"],
                cwd=self.root,
                env={**os.environ, **self.variables},
                stdin=given,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=ENGINE_SECONDS,
            )

    def _output(self, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            reason = one_line(done.stderr).removeprefix("error: ")
            raise CommandError(reason or f"{self.engine.command} ended with status {done.returncode}", Exit.STATE)
        return done.stdout
