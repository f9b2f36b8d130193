"""The walk-through of the documentation, run as a new user would."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from testbed.clones import clone_into
from testbed.controlplane.rig import ControlPlane
from testbed.engine.walking import Step, first_missing, steps
from testbed.stacks import ROOT

DOCUMENT = ROOT / "docs" / "walkthrough.md"
COMMAND_SECONDS = 300
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai"}}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return clone_into(tmp_path / "clone")


@pytest.fixture
def kubeconfig(tmp_path: Path, control_plane: ControlPlane) -> Generator[Path]:
    """Where the user's kubeconfig will be once there is a cluster; what is deployed goes at the end."""
    yield tmp_path / "kubeconfig"
    control_plane.api.delete(NAMESPACE)


@pytest.fixture
def terminal(tmp_path: Path, kubeconfig: Path, engine_environment: Mapping[str, str]) -> Mapping[str, str]:
    """Variables of a machine with an engine and without containers."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for program in ("docker", "podman"):
        (shims / program).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (shims / program).chmod(0o755)
    (tmp_path / "state").mkdir()
    own = {
        "PATH": os.pathsep.join([str(shims), engine_environment.get("PATH", os.environ["PATH"])]),
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "NO_COLOR": "1",
        "MAKEFLAGS": "",
    }
    return {**os.environ, **engine_environment, **own}


def _run(step: Step, clone: Path, terminal: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", step.command],
        cwd=clone,
        env=terminal,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    return done.stdout


def test_every_command_of_the_walk_through_prints_what_the_document_says(
    clone: Path, terminal: Mapping[str, str], kubeconfig: Path, control_plane: ControlPlane
) -> None:
    for step in steps(DOCUMENT.read_text(encoding="utf-8")):
        output = _run(step, clone, terminal)
        print(f"$ {step.command}\n{output}")
        assert first_missing(step.expected, output) is None, step.command
        if step.command == "make cluster":
            shutil.copy(control_plane.admin_kubeconfig, kubeconfig)
