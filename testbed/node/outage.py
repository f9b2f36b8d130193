"""A node that stops answering, as a machine without power or network does, and that comes back."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from testbed.controlplane.api import Object
from testbed.node.cluster import Cluster
from testbed.node.rig import Nodes

_KEY = "node.kubernetes.io/out-of-service"
OUT_OF_SERVICE = f"{_KEY}=nodeshutdown:NoExecute"
"""The taint by which an operator says that the machine is off; Kubernetes then lets its pods and volumes go."""


@contextmanager
def silence(nodes: Nodes, node: str) -> Generator[None]:
    """Freeze every process of a node and cut its network, as long as the context lasts.

    Afterwards its kubelet goes on, but nothing that was in its containers: a machine that was off lost it.
    """
    link = ["ip", "link", "set", node]
    nodes.inside(*link, "down").check_returncode()
    nodes.freeze(node)
    try:
        yield
    finally:
        nodes.kill_containers(node)
        nodes.freeze(node, frozen=False)
        nodes.inside(*link, "up").check_returncode()


def is_ready(cluster: Cluster, node: str) -> bool:
    """Whether the control plane takes a node for ready."""
    return _conditions(cluster.api.get("v1", "Node", node, None)).get("Ready") == "True"


def mark_out_of_service(cluster: Cluster, node: str) -> None:
    """Set the taint of the runbook."""
    done = cluster.kubectl("taint", "node", node, OUT_OF_SERVICE)
    assert done.returncode == 0, done.stderr


def mark_in_service(cluster: Cluster, node: str) -> None:
    """Take the taint away."""
    done = cluster.kubectl("taint", "node", node, f"{_KEY}-")
    assert done.returncode == 0, done.stderr


def _conditions(item: Object) -> dict[str, str]:
    return {one["type"]: one["status"] for one in item["status"]["conditions"]}
