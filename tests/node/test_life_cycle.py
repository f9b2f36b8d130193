"""Nodes that somebody starts by hand: what they print, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.controlplane.waiting import wait_for
from testbed.node import cgroups, lacks
from testbed.node.rig import CGROUP_PREFIX
from testbed.programs import parts

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(lacks.KUBECONFIG_VARIABLE in os.environ, reason="starts nodes of its own"),
]


def test_nodes_answer_outside_their_namespaces_and_leave_nothing_when_their_starter_is_killed(tmp_path: Path) -> None:
    directory = tmp_path / "nodes"
    command = [sys.executable, "-m", "testbed.node", "run", "--directory", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        try:
            kubeconfig = _kubeconfig(starter)
            kubectl = parts.executables(*lacks.PARTS)["kubectl"]
            answer = subprocess.run(
                [kubectl, f"--kubeconfig={kubeconfig}", "get", "nodes", "-o", "name"],
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert answer.stdout.split() == ["node/node-1"]
            assert list(_processes(directory))
        finally:
            starter.send_signal(signal.SIGKILL)
    wait_for("nothing is left", lambda: list(_left(starter.pid, directory)), seconds=90)


def _kubeconfig(starter: subprocess.Popen[str]) -> str:
    assert starter.stdout is not None
    for line in starter.stdout:
        if line.startswith("export KUBECONFIG="):
            return line.strip().partition("=")[2]
    raise AssertionError("it did not start")


def _left(starter: int, directory: Path) -> Iterator[str]:
    yield from _processes(directory)
    groups = [group for parent in cgroups.own().values() for group in parent.glob(f"{CGROUP_PREFIX}{starter}-*")]
    yield from map(str, groups)
    yield from (str(path) for name in ("volumes", "etcd", "nodes") if (path := directory / name).exists())
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    yield from (line for line in mounts if str(directory) in line)


def _processes(directory: Path) -> Iterator[str]:
    """Command lines that name the directory."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(directory) in words and path.parent.name != str(os.getpid()):
            yield words
