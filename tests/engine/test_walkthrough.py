"""The walk-through of the documentation, run as a new user would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from testbed.clones import clone_into
from testbed.controlplane.rig import ControlPlane
from testbed.engine.terminal import Terminal
from testbed.engine.walking import first_missing, steps
from testbed.stacks import ROOT

DOCUMENT = ROOT / "docs" / "walkthrough.md"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai"}}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return clone_into(tmp_path / "clone")


@pytest.fixture
def kubeconfig(tmp_path: Path, control_plane: ControlPlane) -> Generator[Path]:
    """Where the user's kubeconfig will be once there is a cluster; what is deployed goes at the end."""
    yield tmp_path / "kubeconfig"
    control_plane.api.delete(NAMESPACE)
    control_plane.wait_gone(NAMESPACE, seconds=120)


@pytest.fixture
def terminal(tmp_path: Path, clone: Path, kubeconfig: Path, engine_environment: Mapping[str, str]) -> Terminal:
    """One on a machine without containers."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for program in ("docker", "podman"):
        (shims / program).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (shims / program).chmod(0o755)
    path = os.pathsep.join([str(shims), engine_environment.get("PATH", os.environ["PATH"])])
    return Terminal(clone, tmp_path / "state", kubeconfig, {**engine_environment, "PATH": path})


def test_every_command_of_the_walk_through_prints_what_the_document_says(
    terminal: Terminal, kubeconfig: Path, control_plane: ControlPlane
) -> None:
    for step in steps(DOCUMENT.read_text(encoding="utf-8")):
        output = terminal.run(step.command).stdout
        print(f"$ {step.command}\n{output}")
        assert first_missing(step.expected, output) is None, step.command
        if step.command == "make cluster":
            shutil.copy(control_plane.admin_kubeconfig, kubeconfig)
