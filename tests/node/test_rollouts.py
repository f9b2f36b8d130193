"""New pods of the api while requests come in: none may fail."""

from __future__ import annotations

import pytest

from testbed.node.cluster import Cluster
from testbed.node.requests import under_load
from testbed.node.stack import NodeStack

pytestmark = pytest.mark.node


def test_a_rollout_fails_no_request(fragile: NodeStack) -> None:
    deployment = fragile.one("Deployment", "archesai-api")
    with under_load(fragile) as failed:
        where = ("--namespace", fragile.namespace, "deployment/archesai-api")
        assert fragile.cluster.kubectl("rollout", "restart", *where).returncode == 0
        fragile.cluster.wait_ready(deployment)
    assert failed == []


def test_a_drain_of_its_node_fails_no_request(fragile: NodeStack, cluster: Cluster) -> None:
    servers = {fragile.pod(component)["spec"]["nodeName"] for component in ("database", "platform")}
    elsewhere = [pod for pod in fragile.pods("api") if pod["spec"]["nodeName"] not in servers]
    node = (elsewhere or fragile.pods("api"))[0]["spec"]["nodeName"]
    try:
        with under_load(fragile) as failed:
            done = cluster.kubectl(
                "drain", node, "--ignore-daemonsets", "--delete-emptydir-data",
                f"--pod-selector=app.kubernetes.io/component=api,app.kubernetes.io/instance={fragile.name}",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            fragile.wait_ready()
        assert failed == []
    finally:
        cluster.kubectl("uncordon", node)
