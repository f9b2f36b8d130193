"""The first `up` of production with the shipped file: refused with commands, and whole after them."""

from __future__ import annotations

from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deploy
from testbed.engine.given_secrets import provide
from testbed.engine.production import production


def test_production_comes_up_after_the_commands_that_its_first_up_names(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    with production(deploy, control_plane, "first-prod") as deployment:
        refused = deployment.arches("up", "--yes", "--no-policy")
        assert refused.status == 2
        for line in (
            "create namespace velero",
            "-n velero create secret generic archesai-backups-cloud --from-file=cloud=<file>",
            "-n first-prod create secret generic archesai-backups-cloud --from-file=cloud=<file>",
        ):
            assert line in refused.text
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "first-prod"}}
        assert control_plane.api.read(namespace) is None, "nothing has changed"

        provide(control_plane, deployment)
        done = deployment.arches("up", "--yes", "--no-policy").check()
        assert "Namespaces that were made for the stack's Secrets are taken over: velero." in done.text
        labels = control_plane.api.get("v1", "Namespace", "velero")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
        assert not deployment.preview("--refresh")
