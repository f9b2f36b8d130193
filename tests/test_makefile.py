"""What `make` prints while it sets the project up; pip is a script that prints what pip prints."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

from testbed.stacks import ROOT

PIP = """#!/bin/sh
case "$*" in *--editable*) exit 0 ;; esac
echo "Collecting typer==0.29.2 (from -r requirements.txt (line 1))"
echo "  Using cached typer-0.29.2-py3-none-any.whl"
echo "Collecting rich==15.0.0 (from -r requirements.txt (line 2))"
echo "Installing collected packages: rich, typer"
[ "$FAILS" = "" ] || { echo "ERROR: no space left" >&2; exit 1; }
"""
PINS = "typer==0.29.2 \\\n    --hash=sha256:0\nrich==15.0.0 \\\n    --hash=sha256:1\n"
LINE = "Installing the program's packages (first run only) …"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A project before its first set-up, with a virtual environment whose pip is the script above."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "requirements.txt").write_text(PINS, encoding="utf-8")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / ".venv" / ".python").touch()
    (programs / "pip").write_text(PIP, encoding="utf-8")
    (programs / "pip").chmod(0o755)
    return tmp_path


def _setup(directory: Path, error: int, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["make", "setup"],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=error,
        check=False,
        timeout=60,
    )


def test_the_set_up_is_one_line_and_nothing_on_standard_output(directory: Path) -> None:
    done = _setup(directory, subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"{LINE}\n")
    assert _setup(directory, subprocess.PIPE).stderr == b""


def test_a_terminal_shows_how_many_packages_are_installed(directory: Path) -> None:
    reader, writer = pty.openpty()
    done = _setup(directory, writer)
    os.close(writer)
    shown = os.read(reader, 4096).decode()
    os.close(reader)
    assert done.returncode == 0
    assert shown == f"{LINE}\r\n\r1 of 2 packages\r2 of 2 packages\r\n"


def test_a_set_up_that_fails_shows_why_and_is_repeated(directory: Path) -> None:
    failed = _setup(directory, subprocess.PIPE, FAILS="1")
    assert failed.returncode != 0
    assert b"ERROR: no space left" in failed.stderr
    assert LINE in _setup(directory, subprocess.PIPE).stderr.decode()


def test_help_has_a_line_for_every_documented_target(directory: Path) -> None:
    done = subprocess.run(["make", "help"], cwd=directory, capture_output=True, text=True, check=True, timeout=60)
    targets = [
        line.split(":")[0]
        for line in (ROOT / "Makefile").read_text("utf-8").splitlines()
        if ": " in line and "## " in line and line[0].islower()
    ]
    assert [line.split()[0] for line in done.stdout.splitlines()] == targets
    assert all("## " not in line and "\t" not in line for line in done.stdout.splitlines())
