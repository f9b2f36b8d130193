"""Redis from one pod to three and back: what each step touches, and that no volume goes."""

from __future__ import annotations

from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy

SINGLE = {
    "ConfigMap redis-redis-config",
    "NetworkPolicy redis-network-policy",
    "PersistentVolumeClaim redis-data",
    "PodDisruptionBudget redis-budget",
    "Service redis-headless-service",
    "ServiceAccount redis-service-account",
    "StatefulSet redis-stateful-set",
}
REPLICATED = {
    "ConfigMap redis-proxy-redis-proxy-config",
    "ConfigMap redis-server-redis-config",
    "Deployment redis-proxy-deployment",
    "NetworkPolicy redis-proxy-network-policy",
    "NetworkPolicy redis-server-network-policy",
    "PersistentVolumeClaim redis-server-data-0",
    "PersistentVolumeClaim redis-server-data-1",
    "PersistentVolumeClaim redis-server-data-2",
    "PodDisruptionBudget redis-proxy-budget",
    "PodDisruptionBudget redis-server-budget",
    "Service redis-server-headless-service",
    "ServiceAccount redis-proxy-service-account",
    "ServiceAccount redis-server-service-account",
    "Stash redis-proxy-password",
    "Stash redis-replica-password",
    "Stash redis-sentinel-password",
    "StatefulSet redis-server-stateful-set",
}
SHARED = {
    "NetworkPolicy api-network-policy",
    "NetworkPolicy security-dns",
    "Secret redis-users",
    "Service redis-service",
}


def test_redis_becomes_three_pods_and_one_again_and_every_volume_stays(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("forms", DEV | {"redis": {"enabled": True}})
    deployment.up()

    def claims() -> dict[str, str]:
        found = control_plane.api.list("v1", "PersistentVolumeClaim", str(deployment.config["namespace"]))
        return {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in found}

    before = claims()
    deployment.configure({"redis": {"enabled": True, "mode": "replicated"}})
    there = deployment.up()
    assert (there.created, there.deleted, there.replaced) == (REPLICATED, SINGLE, frozenset())
    assert there.updated == SHARED
    three = claims()
    assert before.items() < three.items()

    deployment.configure({"redis": {"enabled": True, "mode": "managed"}})
    back = deployment.up()
    assert (back.created, back.deleted, back.replaced) == (SINGLE, REPLICATED, frozenset())
    assert back.updated == SHARED
    assert claims() == three
