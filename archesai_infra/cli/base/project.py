"""Where the Pulumi program is."""

from __future__ import annotations

from pathlib import Path

STATE = ".state"
"""Directory for what this machine keeps for the project: the engine, a local state, its passphrase. Git ignores it."""


def root() -> Path:
    """Directory of `Pulumi.yaml`: the working directory or the nearest one above it, else where the package lies."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / "Pulumi.yaml").is_file():
            return directory
    return Path(__file__).resolve().parents[3]
