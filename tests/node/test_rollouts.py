"""New pods of the api while requests come in: none may fail."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from testbed.node.cluster import Cluster
from testbed.node.stack import NodeStack

pytestmark = pytest.mark.node

API = "http://archesai-api:3001"
LOADS = {
    "new connections": (f"{API}/",),
    "kept connections": ("-keep", f"{API}/"),
    "slow requests": (f"{API}/slow?for=300ms",),
}
SECONDS = 40
"""How long requests are sent; a rollout of two pods takes half of it on a quiet machine."""


def test_a_rollout_fails_no_request(fragile: NodeStack) -> None:
    deployment = fragile.one("Deployment", "archesai-api")
    with under_load(fragile):
        where = ("--namespace", fragile.namespace, "deployment/archesai-api")
        assert fragile.cluster.kubectl("rollout", "restart", *where).returncode == 0
        fragile.cluster.wait_ready(deployment)


def test_a_drain_of_its_node_fails_no_request(fragile: NodeStack, cluster: Cluster) -> None:
    servers = {fragile.pod(component)["spec"]["nodeName"] for component in ("database", "platform")}
    elsewhere = [pod for pod in fragile.pods("api") if pod["spec"]["nodeName"] not in servers]
    node = (elsewhere or fragile.pods("api"))[0]["spec"]["nodeName"]
    try:
        with under_load(fragile):
            done = cluster.kubectl(
                "drain", node, "--ignore-daemonsets", "--delete-emptydir-data",
                f"--pod-selector=app.kubernetes.io/component=api,app.kubernetes.io/instance={fragile.name}",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            fragile.wait_ready()
    finally:
        cluster.kubectl("uncordon", node)


@contextmanager
def under_load(stack: NodeStack) -> Generator[None]:
    """Send requests of each kind from a pod of the platform, and check afterwards that each was answered."""
    pod = stack.pod("platform")["metadata"]["name"]
    runs: dict[str, subprocess.Popen[str]] = {
        name: stack.cluster.beside(
            "exec", f"--namespace={stack.namespace}", pod, "--",
            "archesai", "load", f"-seconds={SECONDS}", "-workers=2", *arguments,
        )
        for name, arguments in LOADS.items()
    }  # fmt: skip
    yield
    for name, run in runs.items():
        said, error = run.communicate(timeout=SECONDS * 3)
        result = json.loads(said or "{}")
        assert run.returncode == 0, f"{name}: {error}"
        assert result["failed"] == {}, f"{name}: {result}"
        assert result["good"] > SECONDS, f"{name}: {result}"
