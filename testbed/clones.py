"""The project as a new user has it: a clone with the virtual environment of the tests in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.stacks import ROOT

STAMPS = (".python", ".runtime", ".dev")
"""What `make` leaves in the virtual environment when it is complete; the last one for the development tools."""
_LONG_AGO = 1_000_000_000
"""A modification time, in seconds of Unix time, before that of every virtual environment."""


def commands(document: str) -> Iterator[str]:
    """The commands of every `sh` and `console` block, without comments and prompts."""
    for language, block in re.findall(r"^```(sh|console)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if language == "sh" or line.startswith("$ "):
                yield line.removeprefix("$ ").partition("  #")[0].rstrip()


def clone_into(directory: Path) -> Path:
    """Copy what Git has, without its history; skips the test where the virtual environment is not the project's."""
    environment = Path(sys.prefix)
    if not all((environment / stamp).exists() for stamp in STAMPS[:2]):
        pytest.skip("runs in the virtual environment that `make setup` makes")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    # Newer pins than the environment would let `make` install packages.
    for pins in (*directory.glob("requirements*.txt"), directory / "pyproject.toml"):
        os.utime(pins, (_LONG_AGO, _LONG_AGO))
    (directory / ".venv").symlink_to(environment, target_is_directory=True)
    return directory
