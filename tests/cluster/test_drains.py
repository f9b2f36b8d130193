from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from testbed.cluster.deployed import Deployed
from testbed.controlplane.api import ApiError, Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config
from tests.cluster.conftest import Run

pytestmark = pytest.mark.cluster

THREE: Config = {"environment": "development", "api": {"replicas": 3}}


@contextmanager
def closed_nodes(rig: ControlPlane) -> Generator[None]:
    """Every node is cordoned, as at the worst moment of a drain: what is evicted finds no place."""
    nodes = rig.api.list("v1", "Node")
    try:
        for node in nodes:
            rig.api.patch(node, {"spec": {"unschedulable": True}})
        yield
    finally:
        for node in nodes:
            rig.api.patch(node, {"spec": {"unschedulable": None}})


def evict(rig: ControlPlane, pod: Object) -> None:
    """Ask for a pod's eviction as `kubectl drain` does; ApiError where a budget holds it."""
    metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    rig.api.request("POST", f"{rig.api.path_of(pod)}/eviction", body=body)


def budget(stack: Deployed, name: str) -> Object:
    return stack.rig.api.get("policy/v1", "PodDisruptionBudget", name, stack.namespace)


def wait_for_budget(stack: Deployed, name: str, *, healthy: int, allowed: int) -> None:
    def differs() -> list[str]:
        status = budget(stack, name)["status"]
        found = status.get("currentHealthy"), status.get("disruptionsAllowed")
        return [] if found == (healthy, allowed) else [f"healthy and allowed are {found}"]

    stack.rig.wait_for(f"{name} with {healthy} healthy pods and {allowed} disruptions allowed", differs)


def test_a_drain_takes_one_pod_of_the_api_and_the_budget_holds_the_next(own_stack: Run) -> None:
    stack = own_stack("drained", THREE)
    rig = stack.rig
    wait_for_budget(stack, "archesai-api", healthy=3, allowed=1)
    first, second, _ = stack.pods("api")
    with closed_nodes(rig):
        evict(rig, first)
        wait_for_budget(stack, "archesai-api", healthy=2, allowed=0)
        with pytest.raises(ApiError, match=r"429 TooManyRequests: Cannot evict pod .* disruption budget"):
            evict(rig, second)
        assert second["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in stack.pods("api")}
    wait_for_budget(stack, "archesai-api", healthy=3, allowed=1)
    evict(rig, second)
    wait_for_budget(stack, "archesai-api", healthy=3, allowed=1)


def test_kubectl_drain_empties_a_node_and_everything_comes_back_elsewhere(own_stack: Run) -> None:
    stack = own_stack("emptied", THREE)
    rig = stack.rig
    workloads = stack.of_kind("Deployment", "StatefulSet")
    rig.wait_ready(*workloads)
    node = stack.pods("database")[0]["spec"]["nodeName"]
    try:
        flags = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s"]
        selector = f"--pod-selector=app.kubernetes.io/instance={stack.scenario.name}"
        done = rig.kubectl("drain", node, *flags, selector, seconds=90)
        assert done.returncode == 0, done.stderr
        rig.wait_ready(*workloads)
        places = {pod["spec"]["nodeName"] for name in ("api", "database") for pod in stack.pods(name)}
        assert node not in places
    finally:
        rig.kubectl("uncordon", node)


def test_a_server_with_one_pod_does_not_stop_a_drain(own_stack: Run) -> None:
    stack = own_stack("single", {"environment": "development"})
    wait_for_budget(stack, "archesai-postgres", healthy=1, allowed=1)
    (before,) = stack.pods("database")
    evict(stack.rig, before)
    stack.rig.wait_ready(*stack.of_kind("StatefulSet"))
    wait_for_budget(stack, "archesai-postgres", healthy=1, allowed=1)
    assert before["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in stack.pods("database")}


def test_a_broken_pod_is_evicted_though_the_budget_allows_no_disruption(own_stack: Run) -> None:
    stack = own_stack("broken", THREE)
    rig = stack.rig
    wait_for_budget(stack, "archesai-api", healthy=3, allowed=1)
    broken, sound, _ = stack.pods("api")
    conditions = [
        one | {"status": "False"} if one["type"] == "Ready" else one for one in broken["status"]["conditions"]
    ]
    with closed_nodes(rig):
        rig.api.patch(broken, {"status": {"conditions": conditions}}, status=True)
        wait_for_budget(stack, "archesai-api", healthy=2, allowed=0)
        with pytest.raises(ApiError, match="429"):
            evict(rig, sound)
        evict(rig, broken)
    wait_for_budget(stack, "archesai-api", healthy=3, allowed=1)
