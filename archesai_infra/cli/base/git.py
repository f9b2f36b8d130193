"""Git, for what the project's earlier commits hold."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

GIT_SECONDS = 60


def work_tree(directory: Path) -> Path | None:
    """The Git work tree that a directory lies in; None outside of one."""
    return next((path for path in (directory, *directory.parents) if (path / ".git").exists()), None)


def git(root: Path, *arguments: str) -> bytes | None:
    """Output of Git in a directory; None where it fails or is not installed."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run([program, "-C", str(root), *arguments], capture_output=True, check=False, timeout=GIT_SECONDS)
    return done.stdout if done.returncode == 0 else None
