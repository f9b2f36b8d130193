"""The commands of the README that deploy, run as they are written, with an engine and an API server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from testbed.clones import clone_into
from testbed.controlplane.rig import ControlPlane
from testbed.readme import UP, UP_WITH_PULUMI

COMMAND_SECONDS = 300
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai"}}

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "archesai-api", "namespace": "archesai"},
}


@pytest.fixture
def clone(tmp_path: Path, control_plane: ControlPlane) -> Generator[Path]:
    yield clone_into(tmp_path / "clone")
    control_plane.api.delete(NAMESPACE)


@pytest.fixture
def terminal(tmp_path: Path, control_plane: ControlPlane, engine_environment: Mapping[str, str]) -> Mapping[str, str]:
    """Variables of a machine with an engine, a login to a state, and the API server as its current cluster."""
    kubeconfig = tmp_path / "kubeconfig"
    shutil.copy(control_plane.admin_kubeconfig, kubeconfig)
    (tmp_path / "state").mkdir()
    own = {
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "NO_COLOR": "1",
        "MAKEFLAGS": "",
    }
    return {**os.environ, **engine_environment, **own}


def _run(command: str, clone: Path, terminal: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=clone,
        env=terminal,
        input="y\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_the_stack_is_deployed_as_the_readme_says_and_plain_pulumi_finds_it_unchanged(
    clone: Path, terminal: Mapping[str, str], control_plane: ControlPlane
) -> None:
    deployed = _run(UP, clone, terminal)
    assert control_plane.server in deployed.splitlines()[0] or "control-plane" in deployed.splitlines()[0]
    assert control_plane.api.read(DEPLOYMENT) is not None
    # Plain Pulumi asks on a terminal only.
    again = _run(f"{UP_WITH_PULUMI} --yes --skip-preview", clone, terminal)
    assert "created" not in again
    assert "unchanged" in again
