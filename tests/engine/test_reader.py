"""A preview with the rights of the shipped reader: it shows the changes and sees no Secret."""

from __future__ import annotations

import pytest

from archesai_infra.cli.rbac.roles import roles
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy

pytestmark = pytest.mark.engine


def test_a_reader_previews_a_change_of_a_running_stack(deploy: Deploy, control_plane: ControlPlane) -> None:
    stack = deploy("previewed", DEV)
    stack.up()
    control_plane.apply(list(roles(stack.declared(), stack.name, "previewers", deployer=False))).check()
    reader = control_plane.kubeconfig("previewer", ["previewers"])
    refused = control_plane.kubectl("get", "secrets", "--namespace=previewed", kubeconfig=reader)
    assert "forbidden" in refused.stderr
    stack.environment = {**stack.environment, "KUBECONFIG": str(reader)}
    assert not stack.preview()
    stack.configure({"platform": {"replicas": 2}})
    assert stack.preview().updated == {"Deployment platform-deployment"}
