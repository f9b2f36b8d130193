"""A recovery to a moment by one command, with the operator's reports set by hand."""

from __future__ import annotations

import yaml

from archesai_infra.components.database.cluster.archive.objects import API as STORES
from testbed.controlplane import crds
from testbed.controlplane.rig import ControlPlane
from testbed.engine.cloudnative import API, reported
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.given_secrets import provide
from testbed.stacks import Config

STACK = "recovered"
ARCHIVED: Config = DEV | {
    "platform": {"enabled": False},
    "migrations": {"mode": "off"},
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "backups": {"enabled": True, "bucket": "archives", "endpoint": "https://s3.example.com", "existingSecret": "keys"},
    "database": {
        "mode": "cluster",
        "cluster": {
            "operator": "existing",
            "archive": {"enabled": True, "plugin": "existing", "existingSecret": "keys"},
        },
    },
}


def _cluster(stack: Deployment) -> Config:
    text = (stack.work / f"Pulumi.{stack.name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["config"]["archesai:database"]["cluster"]


def test_the_stack_leads_to_a_cluster_of_the_moment_and_the_one_before_stays(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    control_plane.install_definitions(crds.custom_resource_definitions("postgresql.cnpg.io"))
    control_plane.install_definitions(crds.custom_resource_definitions(STORES.partition("/")[0]))
    stack = deploy(STACK, ARCHIVED)
    moment = "2026-05-04T10:30:00Z"
    command = ("restore", "--to", moment, "--confirm", STACK, "--local-state")
    with reported(control_plane, STACK):
        stack.up()
        provide(control_plane, stack)
        # No kubelet runs a shell in a pod here.
        refused = stack.arches(*command)
        assert refused.status != 0, refused.text
        assert "archesai-db-1 has no primary" in refused.text, refused.text
        assert (_cluster(stack)["beside"], "generation" in _cluster(stack)) == (2, False)
        made = control_plane.api.get(API, "Cluster", "archesai-db-2", STACK)
        assert made["spec"]["bootstrap"]["recovery"]["recoveryTarget"] == {"targetTime": moment}

        outcome = stack.arches(*command, "--no-compare")
        assert outcome.status == 0, outcome.text
    assert (_cluster(stack)["generation"], _cluster(stack)["beside"]) == (2, 1)
    service = control_plane.api.get("v1", "Service", "archesai-postgres", STACK)
    assert service["spec"]["selector"]["cnpg.io/cluster"] == "archesai-db-2"
    assert {item["metadata"]["name"] for item in control_plane.api.list(API, "Cluster", STACK)} == {
        "archesai-db-1",
        "archesai-db-2",
    }
