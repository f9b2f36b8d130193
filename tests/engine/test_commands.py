"""The project's own commands with a real engine and a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.configurations import DEV

if TYPE_CHECKING:
    from tests.controlplane.rig import ControlPlane
    from tests.engine.deployment import Deploy, Deployment
    from tests.engine.stack import Outcome


@pytest.fixture(scope="module")
def commanded(deploy: Deploy) -> tuple[Deployment, dict[str, Outcome]]:
    """A stack after each command in turn, and what each said."""
    deployment = deploy("commanded", DEV)
    said = {
        "preview": deployment.arches("preview"),
        "up": deployment.arches("up", "--yes"),
        "drift": deployment.arches("preview", "--refresh"),
        "destroy": deployment.arches("destroy", "--yes"),
    }
    return deployment, said


@pytest.mark.parametrize("command", ["preview", "up", "drift", "destroy"])
def test_each_command_names_the_cluster_before_anything_happens(
    command: str, commanded: tuple[Deployment, dict[str, Outcome]], control_plane: ControlPlane
) -> None:
    outcome = commanded[1][command].check()
    first = outcome.text.splitlines()[0]
    assert control_plane.server in first or "control-plane" in first, first


def test_a_preview_after_up_has_nothing_to_do(commanded: tuple[Deployment, dict[str, Outcome]]) -> None:
    assert "41 unchanged" in commanded[1]["drift"].text


def test_destroy_says_what_stays(commanded: tuple[Deployment, dict[str, Outcome]]) -> None:
    assert "Namespace commanded and its volumes stay" in commanded[1]["destroy"].text


def test_a_cluster_that_does_not_answer_is_said_before_a_change(deploy: Deploy, control_plane: ControlPlane) -> None:
    stranger = control_plane.kubeconfig_with_token("stranger")
    deployment = deploy("stranger", DEV, environment={"KUBECONFIG": str(stranger)})
    outcome = deployment.arches("up", "--yes")
    assert outcome.status != 0
    assert "the cluster must answer before it can be changed" in outcome.text
