"""How tests run real servers on loopback: as which user, on which files, and until when."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

import pytest

UNPRIVILEGED = 10001
"""Who the pods run as by their manifests: a number that no image and no machine has a name for."""
SERVER_USER = "nobody"
"""Who runs PostgreSQL servers: they refuse root, and initdb wants a name."""
START_SECONDS = 60


def postgres_directory() -> Path | None:
    """Where the newest PostgreSQL's programs are: Debian keeps them off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def needs(*programs: str) -> None:
    """Skip by name where a program is not installed."""
    path = search_path()
    absent = [program for program in programs if shutil.which(program, path=path) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")


def search_path() -> str:
    """PATH with PostgreSQL's programs in front: Debian's wrappers look for clusters of their own."""
    found = postgres_directory()
    path = os.environ.get("PATH", os.defpath)
    return f"{found}{os.pathsep}{path}" if found else path


class Identity(TypedDict, total=False):
    """Who a process runs as, for `subprocess`."""

    user: int | str
    group: int | str
    extra_groups: list[int | str]


def identity(user: int | str = UNPRIVILEGED) -> Identity:
    """A user without groups of root's; the tester's own where that is not root."""
    if os.geteuid() != 0:
        return {}
    group = user if isinstance(user, int) else pwd.getpwnam(user).pw_gid
    return {"user": user, "group": group, "extra_groups": []}


@contextmanager
def place(user: int | str = UNPRIVILEGED) -> Generator[Path]:
    """A directory of a user; pytest's own lets nobody else in."""
    path = Path(tempfile.mkdtemp(prefix="backups-"))
    if os.geteuid() == 0:
        shutil.chown(path, user)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def mounted(source: Path, directory: Path) -> Path:
    """A script as a pod sees it: below a directory of its user, with the mode of a ConfigMap's file."""
    target = directory / source.name
    shutil.copyfile(source, target)
    target.chmod(0o444)
    return target


def hand_over(path: Path, mode: int) -> None:
    """Give a file the mode of a volume's file and the user of the pod, where the tester may."""
    path.chmod(mode)
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the developer's own but PATH."""
    return {"PATH": search_path(), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **extra}


def call(
    command: list[str],
    extra: Mapping[str, str] | None = None,
    *,
    stdin: str = "",
    seconds: float = 7200,
    directory: Path | None = None,
    user: int | str = UNPRIVILEGED,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment(extra or {}),
        cwd=directory or "/",
        **identity(user),
    )


@contextmanager
def running(
    command: list[str], variables: Mapping[str, str], log: Path, *, as_user: int | str | None = UNPRIVILEGED
) -> Generator[subprocess.Popen[bytes]]:
    """A server that ends with the block; what it says goes into the log."""
    who: Identity = {} if as_user is None else identity(as_user)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment(variables), cwd="/", stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            **who,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def until(probe: object, what: str, *, seconds: float = START_SECONDS) -> None:
    """Wait for what a server needs to start; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(AssertionError):
            if callable(probe) and probe():
                return
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not start within {seconds:.0f} s")
