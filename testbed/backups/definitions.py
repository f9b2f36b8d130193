"""Velero's kinds, as its own program writes them."""

from __future__ import annotations

import subprocess
import tempfile

from testbed.programs import parts


def definitions() -> str:
    """A list of all of its custom resource definitions, as YAML."""
    program = parts.executables("velero")["velero"]
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            [program, "install", "--crds-only", "--dry-run", "--output=yaml"],
            env={"HOME": home}, capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip
