"""The policy pack as the engine runs it, over whole stacks and over a program that somebody has edited badly."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from archesai_infra.cli.digest.digest import digest
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV, PROD
from testbed.engine.deployment import Deploy, Deployment

SURGE = '"max_unavailable": 0'
"""What keeps a rollout from taking pods away first, as the program writes it."""


def _edited(deployment: Deployment) -> None:
    """Let the project's own copy of the program roll out with a gap."""
    package = deployment.work / "archesai_infra"
    source = package.resolve()
    package.unlink()
    shutil.copytree(source, package)
    workloads = package / "kube" / "workloads.py"
    text = workloads.read_text(encoding="utf-8")
    assert SURGE in text
    workloads.write_text(text.replace(SURGE, '"max_unavailable": 1'), encoding="utf-8")


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _json(text: str) -> dict[str, Any]:
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]


@pytest.mark.parametrize(("name", "config"), [("judged-dev", DEV), ("judged-prod", PROD)])
def test_a_whole_stack_keeps_every_policy(name: str, config: dict[str, object], deploy: Deploy) -> None:
    outcome = deploy(name, config).arches("preview", "--policy").check()
    assert "Loading policy packs" in outcome.text


def test_an_edit_that_breaks_a_policy_is_refused_by_name_before_anything_changes(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("judged-edit", DEV)
    _edited(deployment)
    outcome = deployment.arches("up", "--yes", "--policy")
    assert outcome.status != 0
    assert "may take pods away before new ones are ready: set maxUnavailable to 0" in outcome.text
    assert "scaled-once" in outcome.text
    assert control_plane.api.read(_namespace("judged-edit")) is None
    document = deployment.arches("preview", "--policy", "--json")
    assert document.status != 0
    assert "scaled-once: api-deployment may take pods away" in digest(_json(document.text))


def test_production_is_judged_without_being_asked(deploy: Deploy, control_plane: ControlPlane) -> None:
    # Without the backups, whose Secret would be asked for first, and by the controller that this cluster's class is of.
    ingress = PROD["ingress"] | {"controller": {"install": False}}
    deployment = deploy("judged-production", PROD | {"backups": {"enabled": False}, "ingress": ingress})
    _edited(deployment)
    outcome = deployment.arches("up", "--yes")
    assert outcome.status != 0
    assert "scaled-once" in outcome.text
    assert control_plane.api.read(_namespace("judged-production")) is None
