"""The lock of a state that a killed command left; a script answers as the engine does, with the engine's own words."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.recovery import find_unlocking

ENGINE = """#!/bin/sh
if [ "$1" = cancel ]; then rm lock; exit; fi
[ ! -e lock ] || { cat lock >&2; exit 1; }
echo '1 resources unprotected'
"""


def locked(directory: Path, process: int) -> Command:
    """The engine's command on a state that a process has locked."""
    (directory / "lock").write_text(
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
        "lock file with `pulumi cancel`.\n"
        f"  file:///state/lock.json: created by root@{socket.gethostname()} (pid {process}) at 2026-01-01T00:00:00Z\n",
        encoding="utf-8",
    )
    engine = directory / "pulumi"
    engine.write_text(ENGINE, encoding="utf-8")
    engine.chmod(0o755)
    return Command(directory, "prod", Engine(engine), {})


def test_a_state_that_an_ended_process_locked_is_unlocked_and_the_command_runs_again(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    found = find_unlocking(locked(tmp_path, ended.pid), "state", "unprotect", "urn", "--yes")
    assert found == "1 resources unprotected\n"


def test_a_state_that_a_running_process_has_locked_stays_locked(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="currently locked"):
        find_unlocking(locked(tmp_path, os.getpid()), "state", "unprotect", "urn", "--yes")
    assert (tmp_path / "lock").exists()
