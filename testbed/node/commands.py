"""Running the machine's own commands (ip, mount, iptables) with an error that says what they answered."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 30


class CommandError(RuntimeError):
    """A command of the machine failed."""


def run(*words: str | Path) -> str:
    """What the command prints; raises CommandError with its own message."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CommandError(f"{' '.join(map(str, words))}: status {done.returncode}: {said}")
    return done.stdout
