"""Charts' namespaces that `cluster.apiServer` closes, enforced on real pods, the real Velero's among them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator

import pytest

from archesai_infra.stack.namespaces import chart_namespaces
from testbed.node.closed import reach_closed
from testbed.node.deployed import UP_SECONDS, DeployedStack
from testbed.node.layout import API, FIRST_SERVICE
from testbed.node.reaching import Reach
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack
from tests.node.test_backups import wait_for_location

CLOSED = "ARCHESAI_CLOSED_NAMESPACES"
"""Has these tests run: two more `up` and a backup."""
pytestmark = [
    pytest.mark.node,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not os.environ.get(CLOSED), reason=f"two minutes more; {CLOSED}=1 runs them"),
]
ASKING = (
    "velero/velero",
    "velero/node-agent",
    "ingress/traefik",
    "cert-manager/controller",
    "cert-manager/webhook",
    "monitoring/prometheus",
    "monitoring/alloy",
)


@pytest.fixture(scope="module")
def closed(running: Callable[[str], LiveStack], deploying: Callable[[str], DeployedStack]) -> Generator[DeployedStack]:
    """Production with the setting; its charts' pods are new, so that none keeps a connection from before."""
    running("prod")
    before = deploying("prod")
    before.deployment.configure({"cluster": {"apiServer": [f"{FIRST_SERVICE}/32", f"{API}/32"]}})
    yield _applied(before)
    before.deployment.configure({"cluster": {"apiServer": None}})
    _applied(before)


def _applied(stack: DeployedStack) -> DeployedStack:
    stack.deployment.start_arches("up", "--yes", "--no-policy").wait(UP_SECONDS).check()
    for namespace in stack.chart_namespaces():
        stack.cluster.kubectl("delete", "pods", "--all", "--wait=true", f"--namespace={namespace}").check_returncode()
    now = DeployedStack(stack.cluster, stack.name, stack.deployment.config, stack.deployment, stack.bucket)
    return now.wait_ready()


@pytest.fixture(scope="module")
def tried(closed: DeployedStack, nodes: Nodes) -> Reach:
    return reach_closed(closed, nodes)


def test_pods_of_charts_reach_what_the_flows_say_and_nothing_else(tried: Reach) -> None:
    assert tried.wrong == []


def test_who_asks_the_api_server_reaches_it_and_who_does_not_is_kept_from_it(
    tried: Reach, closed: DeployedStack
) -> None:
    there = {source for source, (target, _) in tried.reached if target == "the API server"}
    assert there == {f"{closed.namespace}-{one}" for one in ASKING}


def test_every_namespace_of_charts_denies_both_ways_by_default(closed: DeployedStack) -> None:
    made = set(chart_namespaces(closed.evaluation.settings).values()) & set(closed.chart_namespaces())
    assert made == set(closed.chart_namespaces())
    for namespace in made:
        policies = closed.cluster.api.list("networking.k8s.io/v1", "NetworkPolicy", namespace)
        denying = [one["spec"] for one in policies if one["spec"].get("podSelector") in ({}, None)]
        assert {"Ingress", "Egress"} in [set(one["policyTypes"]) for one in denying], namespace


def test_velero_backs_up_from_its_closed_namespace(closed: DeployedStack) -> None:
    wait_for_location(closed)
    said = closed.deployment.arches("backup", "create", "--wait", "--json").check().text
    made = json.loads(said[said.index("{") :])
    assert made["problems"] == []
    assert set(made["dumps"]) == {"database", "redis"}
