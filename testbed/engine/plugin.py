"""The provider's plugin, which the engine runs."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version

NAME, VERSION = "kubernetes", version("pulumi-kubernetes")
FETCH_SECONDS = 120


def lack() -> str | None:
    """Why there is none, if so; fetches it where it is not installed."""
    listed = subprocess.run(["pulumi", "plugin", "ls", "--json"], capture_output=True, text=True, check=False)
    if listed.returncode:
        return f"pulumi cannot list its plugins: {_last_line(listed)}"
    if any(one["name"] == NAME and one["version"] == VERSION for one in json.loads(listed.stdout)):
        return None
    command = ["pulumi", "plugin", "install", "resource", NAME, f"v{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        return f"plugin {NAME} {VERSION} is not installed and fetching it took too long"
    if done.returncode:
        return f"plugin {NAME} {VERSION} is not installed and cannot be fetched: {_last_line(done)}"
    return None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
