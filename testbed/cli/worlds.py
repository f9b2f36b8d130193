"""Projects as they should not be, and commands in processes of their own."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

STACK_FILE = "Pulumi.dev.yaml"
MAIN = "from archesai_infra.cli.app import main; main()"
"""What `python -c` runs as `arches`."""
_SECONDS = 60


def text(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A world whose file has this content."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda project: (project / name).write_bytes(data)


def directory(name: str) -> Callable[[Path], object]:
    """A world in which a directory is in the place of a file."""

    def replace(project: Path) -> None:
        (project / name).unlink(missing_ok=True)
        (project / name).mkdir()

    return replace


def link(target: str, name: str = STACK_FILE) -> Callable[[Path], object]:
    """A world in which a file, that of the stack by default, is a link to something else."""

    def replace(project: Path) -> None:
        (project / name).unlink(missing_ok=True)
        (project / name).symlink_to(target)

    return replace


def shell(
    script: str, project: Path, variables: Mapping[str, str | None], *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    """A shell script in the project, without input."""
    environment = {**os.environ, "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(
        ["/bin/sh", "-c", script, *arguments],
        cwd=project,
        env={name: value for name, value in environment.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )


@contextmanager
def room_for(size: int) -> Generator[None]:
    """Refuse every byte of a file beyond `size`, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
