"""Previews with the shipped roles: a reader sees changes and no Secret, a refresher also what others changed."""

from __future__ import annotations

import json

import pytest

from archesai_infra.cli.rbac.roles import READER, REFRESHER, roles
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy
from testbed.engine.stack import Outcome

pytestmark = pytest.mark.engine


def test_a_reader_previews_a_change_of_a_running_stack(deploy: Deploy, control_plane: ControlPlane) -> None:
    stack = deploy("previewed", DEV)
    stack.up()
    control_plane.apply(list(roles(stack.declared(), stack.name, "previewers", READER))).check()
    reader = control_plane.kubeconfig("previewer", ["previewers"])
    refused = control_plane.kubectl("get", "secrets", "--namespace=previewed", kubeconfig=reader)
    assert "forbidden" in refused.stderr
    stack.environment = {**stack.environment, "KUBECONFIG": str(reader)}
    assert not stack.preview()
    stack.configure({"platform": {"replicas": 2}})
    assert stack.preview().updated == {"Deployment platform-deployment"}


def _summary(preview: Outcome) -> dict[str, int]:
    """Changes by kind, from a document behind the line about the cluster."""
    return json.loads(preview.text[preview.text.index("{") :])["changeSummary"]


def test_a_refresher_sees_what_others_changed_and_changes_nothing(deploy: Deploy, control_plane: ControlPlane) -> None:
    config = DEV | {"ingress": {"certManager": {"install": True}}}
    stack = deploy("refreshed", config)
    stack.up()
    control_plane.apply(list(roles(stack.declared(), stack.name, "refreshers", REFRESHER))).check()
    refresher = control_plane.kubeconfig("refresher", ["refreshers"])
    stack.environment = {**stack.environment, "KUBECONFIG": str(refresher)}
    assert _summary(stack.arches("preview", "--refresh", "--json").check()).keys() == {"same"}
    deployed = control_plane.api.get("apps/v1", "Deployment", "archesai-platform", "refreshed")
    control_plane.api.patch(deployed, {"spec": {"replicas": 2}})
    assert _summary(stack.arches("preview", "--refresh", "--json").check())["update"] == 1
    for verb, kind in (("list", "secrets"), ("patch", "deployments"), ("create", "pods/exec")):
        may = control_plane.kubectl("auth", "can-i", verb, kind, "--namespace=refreshed", kubeconfig=refresher)
        assert may.stdout.strip() == "no", (verb, kind)
