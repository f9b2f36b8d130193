"""Requests of several kinds to the api of a stack, and which of them failed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

from testbed.node.stack import LiveStack

_API = "http://archesai-api:3001"
_LOADS = {
    "new connections": (f"{_API}/",),
    "kept connections": ("-keep", f"{_API}/"),
    "slow requests": (f"{_API}/slow?for=300ms",),
}
SECONDS = 40
"""How long requests are sent; a rollout of two pods takes half of it on a quiet machine."""


@contextmanager
def under_load(stack: LiveStack, seconds: int = SECONDS) -> Generator[list[str]]:
    """Send requests of each kind from a pod of the platform; afterwards the list names the kinds that had failures."""
    pod = stack.pod("platform")["metadata"]["name"]
    runs: dict[str, subprocess.Popen[str]] = {
        name: stack.cluster.beside(
            "exec", f"--namespace={stack.namespace}", pod, "--",
            "archesai", "load", f"-seconds={seconds}", "-workers=2", *arguments,
        )
        for name, arguments in _LOADS.items()
    }  # fmt: skip
    failed: list[str] = []
    yield failed
    for name, run in runs.items():
        said, error = run.communicate(timeout=seconds * 3)
        result = json.loads(said or "{}")
        assert run.returncode == 0, f"{name}: {error}"
        assert result["good"] > seconds, f"{name}: {result}"
        if result["failed"]:
            failed.append(f"{name}: {result}")
