"""The cluster of PostgreSQL through the engine: what each edit touches, with the operator's reports set by hand."""

from __future__ import annotations

import pytest

from testbed.controlplane import crds
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes
from testbed.engine.cloudnative import API, reported
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.stacks import Config

SMALL: Config = DEV | {"platform": {"enabled": False}, "cluster": {"apiServer": ["10.96.0.1/32"]}}
CLUSTERED: Config = SMALL | {"database": {"mode": "cluster", "cluster": {"operator": "existing"}}}
CLUSTER = frozenset({
    "Cluster database-cluster-1",
    "NetworkPolicy database-policy-database-cluster",
    "NetworkPolicy database-policy-database-instances",
    "NetworkPolicy security-dns-database-cluster",
    "Secret database-dump",
    "Secret database-superuser",
    "Secret database-user",
})  # fmt: skip
SINGLE_POD = frozenset({
    "ConfigMap database-postgres-init",
    "ConfigMap database-postgres-scripts",
    "NetworkPolicy database-network-policy",
    "PersistentVolumeClaim database-data",
    "PodDisruptionBudget database-budget",
    "Service database-headless-service",
    "ServiceAccount database-service-account",
    "StatefulSet database-stateful-set",
})  # fmt: skip
POOLER = frozenset({
    "NetworkPolicy database-policy-database-pooler",
    "PodDisruptionBudget database-pooler-budget",
    "Pooler database-pooler",
})  # fmt: skip
API_FOLLOWS = frozenset({"Deployment api-deployment", "NetworkPolicy api-network-policy", "Secret database-secret"})
OPERATOR = frozenset({
    "Namespace database-namespace-cnpg-system",
    "NetworkPolicy database-policy-cnpg-system-barman-cloud",
    "NetworkPolicy database-policy-cnpg-system-cloudnative-pg",
    "NetworkPolicy database-policy-cnpg-system-default-deny",
    "NetworkPolicy database-policy-cnpg-system-operators",
    "Release database-cloudnative-pg",
    # The provider of what others may have made.
    "kubernetes strict",
})  # fmt: skip


@pytest.fixture(autouse=True)
def definitions(control_plane: ControlPlane) -> None:
    control_plane.install_definitions(crds.custom_resource_definitions("postgresql.cnpg.io"))


def edit(deployment: Deployment, database: Config) -> Changes:
    deployment.configure({"database": database})
    return deployment.up()


def test_the_single_pod_stays_until_it_is_let_go_and_its_volume_stays_longer(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    stack = deploy("moved", SMALL)
    stack.up()
    stack.configure({"database": {"mode": "cluster"}})
    refused = stack.run("up", "--yes")
    assert refused.status != 0
    assert "a cluster begins empty; nothing was changed" in refused.text

    with reported(control_plane, "moved"):
        beside = edit(stack, {"mode": "cluster", "singlePod": "serving", "cluster": {"operator": "existing"}})
        assert beside == Changes(created=CLUSTER, updated=frozenset({"NetworkPolicy database-network-policy"}))

        over = edit(stack, {"singlePod": "kept"})
        assert over == Changes(
            updated=API_FOLLOWS
            | {
                "NetworkPolicy database-network-policy",
                "NetworkPolicy database-policy-database-instances",
                "NetworkPolicy migrations-network-policy",
                "Service database-service",
            },
            replaced=frozenset({"Job migrations-job"}),
        )
        service = control_plane.api.get("v1", "Service", "archesai-postgres", "moved")
        assert service["spec"]["selector"]["cnpg.io/instanceRole"] == "primary"
        assert "app.kubernetes.io/component" not in service["spec"]["selector"]

        back = edit(stack, {"singlePod": "serving"})
        assert (back.created, back.deleted) == (frozenset(), frozenset())
        edit(stack, {"singlePod": "kept"})

        gone = edit(stack, {"singlePod": "removed"})
        assert gone.deleted == SINGLE_POD
        assert control_plane.api.get("v1", "PersistentVolumeClaim", "archesai-postgres-data", "moved")


def test_edits_of_a_cluster_touch_what_they_name_and_its_claims_outlive_it(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    stack = deploy("clustered", CLUSTERED)
    with reported(control_plane, "clustered"):
        stack.up()
        assert edit(stack, {"cluster": {"instances": 5}}) == Changes(updated=frozenset({"Cluster database-cluster-1"}))

        follows = API_FOLLOWS | {"NetworkPolicy database-policy-database-instances"}
        assert edit(stack, {"pooler": {}}) == Changes(created=POOLER, updated=follows)
        assert edit(stack, {"pooler": None}) == Changes(deleted=POOLER, updated=follows)

        assert edit(stack, {"cluster": {"operator": "install"}}) == Changes(created=OPERATOR)
        assert edit(stack, {"cluster": {"operator": "existing"}}) == Changes(deleted=OPERATOR)

        before = control_plane.api.get("v1", "PersistentVolumeClaim", "archesai-db-1-1", "clustered")
        assert before["metadata"]["ownerReferences"]
        stack.destroy()
        assert not control_plane.api.list(API, "Cluster", "clustered")
        kept = control_plane.api.get("v1", "PersistentVolumeClaim", "archesai-db-1-1", "clustered")
        assert "ownerReferences" not in kept["metadata"]
        assert "deletionTimestamp" not in kept["metadata"]

        assert stack.up().created >= CLUSTER
        again = control_plane.api.get("v1", "PersistentVolumeClaim", "archesai-db-1-1", "clustered")
        assert again["metadata"]["uid"] == before["metadata"]["uid"]
