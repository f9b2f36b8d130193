"""Commands as a user without name and rights, or on a disk without room: several in one process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed.cli.running import Ran, run
from testbed.stacks import ROOT

NAMELESS = ("unshare", "--user", "--map-user=10001", "--map-group=10001")
"""Starts a program as 10001, which has no passwd entry, without capabilities: what root owns belongs to this user, and
the modes of files hold for it, also where the way to the checkout is root's alone."""
_MOUNTS = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount")
_SMALL = 'mount -t tmpfs -o size=64k tmpfs "$1" && cp -R "$2"/. "$1" && shift 2 && exec "$@"'
_SECONDS = 120


@dataclass(frozen=True)
class Case:
    """One command."""

    directory: Path
    words: str
    variables: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Variables that are set, and with None taken away."""
    first: str = ""
    """Shell script that runs before it."""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and the text of each file of its directory afterwards; None of one it may not read."""

    ran: Ran
    files: dict[str, str | None]


def lack(launcher: Sequence[str] = NAMELESS) -> str | None:
    """Why this machine cannot run such commands, if so."""
    try:
        done = subprocess.run([*launcher, "true"], capture_output=True, text=True, check=False, timeout=_SECONDS)
    except FileNotFoundError:
        return "no unshare on PATH: it is part of util-linux"
    return f"this machine does not let it: {done.stderr.strip()}" if done.returncode else None


def small_disk(place: Path, content: Path) -> list[str]:
    """Starts a program that sees a disk of 64 KiB at `place`, with a copy of `content` on it."""
    return [*_MOUNTS, "/bin/sh", "-c", _SMALL, "sh", str(place), str(content)]


def outcomes(launcher: Sequence[str], cases: Sequence[Case]) -> list[Outcome]:
    """Run the commands one after the other."""
    document = [{**asdict(case), "directory": str(case.directory)} for case in cases]
    done = subprocess.run(
        [*launcher, sys.executable, "-m", "testbed.cli.confined"],
        input=json.dumps(document),
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "KUBECONFIG": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(Ran(**item["ran"]), item["files"]) for item in json.loads(done.stdout)]


def _outcome(directory: str, words: str, variables: Mapping[str, str | None], first: str) -> Outcome:
    subprocess.run(["/bin/sh", "-c", first], cwd=directory, check=False)
    before = dict(os.environ)
    os.environ.update({name: value for name, value in variables.items() if value is not None})
    for name in variables:
        if variables[name] is None:
            os.environ.pop(name, None)
    try:
        os.chdir(directory)
        ran = run(*words.split())
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Outcome(ran, {path.relative_to(directory).as_posix(): _text(path) for path in _files(Path(directory))})


def _files(directory: Path) -> list[Path]:
    return [Path(parent, name) for parent, _, names in os.walk(directory) for name in names]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except PermissionError:
        return None


def main() -> None:
    """Read cases from standard input, and print their outcomes."""
    json.dump([asdict(_outcome(**case)) for case in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
