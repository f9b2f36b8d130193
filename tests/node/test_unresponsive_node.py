"""A node that stops answering: what Kubernetes does by itself, and what brings the single pods back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from testbed.cluster.scenarios import merged
from testbed.controlplane.api import Object
from testbed.node import images, lacks
from testbed.node.outage import is_ready, mark_in_service, mark_out_of_service, silence
from testbed.node.rig import Nodes
from testbed.node.stack import NodeStack, shipped
from tests.node.conftest import FRAGILE

pytestmark = pytest.mark.node

NOTICED_SECONDS = 120.0
"""Kubernetes waits 50 s for a node's heartbeat before it calls the node unready; the rest is for a busy machine."""
MOVED_SECONDS = 240.0
SINGLE = ("database", "redis", "storage")
ROW = "create table kept (id int); insert into kept values (1); select count(*) from kept"


@pytest.fixture(scope="module")
def pair(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes of their own: no other test's pods are on the one that goes."""
    del nodes
    directory = tmp_path_factory.mktemp("pair")
    with Nodes(directory, nodes=2, images=[images.ensure(print, *lacks.IMAGES)]) as started:
        yield started


def test_single_pods_of_a_silent_node_come_back_with_their_data_once_it_is_marked_out_of_service(
    pair: Nodes, record_property: Callable[[str, object], None]
) -> None:
    (dns,) = pair.pods("kube-system", "k8s-app=kube-dns")
    kept = dns["spec"]["nodeName"]
    (silent,) = {"node-1", "node-2"} - {kept}
    pair.kubectl("cordon", kept)
    stack = NodeStack(pair, "dev", merged(shipped("dev"), FRAGILE)).apply().wait_ready()
    pair.kubectl("uncordon", kept)
    rows = stack.sql(ROW)
    with silence(pair, silent):
        start = time.monotonic()
        pair.wait_for(
            "the node is unready", lambda: ["not yet"] if is_ready(pair, silent) else [], seconds=NOTICED_SECONDS
        )
        record_property("unready_seconds", round(time.monotonic() - start, 1))
        # What Kubernetes does five minutes later.
        for component in SINGLE:
            pair.api.delete(stack.pod(component))
        time.sleep(10)
        assert [pod for component in SINGLE for pod in stack.pods(component)] == [], "a pod was replaced"
        start = time.monotonic()
        mark_out_of_service(pair, silent)
        pair.wait_for("the single pods are elsewhere", lambda: missing(stack, kept), seconds=MOVED_SECONDS)
        record_property("moved_seconds", round(time.monotonic() - start, 1))
        stack.wait_ready()
        assert stack.sql("select count(*) from kept") == rows
    mark_in_service(pair, silent)
    pair.wait_for("the node is back", lambda: [] if is_ready(pair, silent) else ["not yet"])
    assert {pod["spec"]["nodeName"] for component in SINGLE for pod in stack.pods(component)} == {kept}


def missing(stack: NodeStack, node: str) -> list[str]:
    """The servers without a ready pod on a node."""
    return [component for component in SINGLE if not any(_is_ready_on(pod, node) for pod in stack.pods(component))]


def _is_ready_on(pod: Object, node: str) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return pod["spec"].get("nodeName") == node and conditions.get("Ready") == "True"
