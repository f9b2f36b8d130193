"""Killing an operation of the engine also ends every process that it started, even one whose parent has ended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from testbed.engine import processes

_ORPHAN = "sleep 300 & sleep 300 &"
"""A shell that ends before what it started."""


def _start(logs: Path) -> list[int]:
    marked = os.environ | {processes.MARK: str(logs)}
    # A pipe of theirs would keep the shell's reader waiting for their end.
    subprocess.run(["sh", "-c", _ORPHAN], env=marked, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return processes.of_operation(logs)


def test_processes_end_after_their_parent_and_those_of_another_operation_go_on(tmp_path: Path) -> None:
    first, second = tmp_path / "00-up", tmp_path / "00-up-again"
    try:
        assert len(_start(first)) == 2
        others = _start(second)
        processes.end(first)
        assert processes.of_operation(first) == []
        assert sorted(processes.of_operation(tmp_path)) == sorted(others)
    finally:
        processes.end(tmp_path)
    assert processes.of_operation(tmp_path) == []
