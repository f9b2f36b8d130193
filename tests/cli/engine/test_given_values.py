"""What the engine's command reads when this process ends before it does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine
root = Path(sys.argv[1])
Command(root, "dev", Engine(root / "engine"), {}).run("config", "set", "key", stdin="x" * int(sys.argv[2]))
"""
ENGINE = """#!/bin/sh
: >started
while [ ! -e go ]; do sleep 0.05; done
cat >read.part && mv read.part read
"""
SECONDS = 30.0


def wait_for(path: Path) -> None:
    """Wait until there is a file."""
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)


@pytest.mark.parametrize("size", [1, 4096, 4097, 1_000_000])
def test_a_kill_before_the_engine_reads_a_value_leaves_it_the_whole_value(tmp_path: Path, size: int) -> None:
    engine = tmp_path / "engine"
    engine.write_text(ENGINE, encoding="utf-8")
    engine.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(size)]) as process:
        wait_for(tmp_path / "started")
        process.kill()
    (tmp_path / "go").touch()
    wait_for(tmp_path / "read")
    assert len((tmp_path / "read").read_bytes()) == size
