"""The commands of the README that deploy, run as they are written, with an engine and an API server."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from testbed.clones import clone_into
from testbed.controlplane.rig import ControlPlane
from testbed.engine.terminal import Terminal
from testbed.readme import UP, UP_WITH_PULUMI

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
    control_plane.wait_gone(NAMESPACE, seconds=120)


@pytest.fixture
def terminal(
    tmp_path: Path, clone: Path, control_plane: ControlPlane, engine_environment: Mapping[str, str]
) -> Terminal:
    """One whose kubeconfig names the API server as its current cluster."""
    kubeconfig = tmp_path / "kubeconfig"
    shutil.copy(control_plane.admin_kubeconfig, kubeconfig)
    return Terminal(clone, tmp_path / "state", kubeconfig, engine_environment)


def _run(terminal: Terminal, command: str) -> str:
    done = terminal.run(command, answer="y\n")
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_the_stack_is_deployed_as_the_readme_says_and_plain_pulumi_finds_it_unchanged(
    terminal: Terminal, control_plane: ControlPlane
) -> None:
    deployed = _run(terminal, UP)
    assert control_plane.server in deployed.splitlines()[0] or "control-plane" in deployed.splitlines()[0]
    assert control_plane.api.read(DEPLOYMENT) is not None
    # Plain Pulumi asks on a terminal only.
    again = _run(terminal, f"{UP_WITH_PULUMI} --yes --skip-preview")
    assert "created" not in again
    assert "unchanged" in again
