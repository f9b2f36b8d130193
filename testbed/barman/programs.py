"""Barman's own programs, of the version in the plugin's image, from pinned wheels."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.backups import servers
from testbed.programs.locking import locked, whole_directory
from testbed.programs.part import cache_directory

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_SECONDS = 600
_PYTHONS = (Path("/usr/local/bin/python3"), Path("/usr/bin/python3"))
"""Interpreters that every user may run."""
_PROGRAMS = {
    "barman-cloud-backup": "cloud_backup",
    "barman-cloud-backup-list": "cloud_backup_list",
    "barman-cloud-restore": "cloud_restore",
    "barman-cloud-wal-archive": "cloud_walarchive",
    "barman-cloud-wal-restore": "cloud_walrestore",
}
_SERVICES = {"s3", "sts"}


@contextmanager
def barman_programs() -> Generator[Path]:
    """A directory with Barman's programs and `python3`, which any user may run."""
    python = next((path for path in _PYTHONS if path.exists()), None)
    if python is None:
        pytest.skip("no Python that every user may run")
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    installed = _installed(version)
    with servers.place() as place:
        place.chmod(0o755)
        # The cache lies in a home directory, which other users may not enter.
        site = shutil.copytree(installed, place / "site", ignore=_other_services)
        programs = place / "bin"
        programs.mkdir()
        (programs / "python3").symlink_to(python)
        for name, module in _PROGRAMS.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {python} -m barman.clients.{module} "$@"\n', "utf-8")
            program.chmod(0o755)
        yield programs


def _installed(python: str) -> Path:
    """A cached directory with the pinned packages for a version of Python."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    target = cache_directory() / f"barman-{python}-{digest}"
    with locked(target, print):
        if not target.is_dir():
            with whole_directory(target) as unfinished:
                command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
                           "--only-binary=:all:", f"--python-version={python}", "--target", str(unfinished),
                           "--requirement", str(REQUIREMENTS)]  # fmt: skip
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
                assert done.returncode == 0, done.stderr
    return target


def _other_services(directory: str, names: list[str]) -> set[str]:
    """What of the client of AWS describes services that Barman does not use."""
    found = Path(directory)
    if (found.parent.name, found.name) != ("botocore", "data"):
        return set()
    return {name for name in names if (found / name).is_dir() and name not in _SERVICES}


def search_path(*programs: Path) -> str:
    """PATH with directories of programs in front."""
    return os.pathsep.join([*map(str, programs), servers.search_path()])
