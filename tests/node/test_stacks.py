"""Stacks on real nodes, as their manifests are applied: what starts, as whom, and what it may.

The pods of charts are not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from kubernetes.utils import parse_quantity

from testbed.controlplane.api import Object
from testbed.node.cluster import Cluster
from testbed.node.stack import NodeStack, unready

pytestmark = [pytest.mark.node, pytest.mark.parametrize("name", ["dev", "prod", "everything"])]

Running = Callable[[str], NodeStack]

EXPLAINED = {
    r"Unhealthy: Startup probe failed": "a server that starts does not answer yet",
    r"archesai-api-.*Unhealthy: Readiness probe failed": "the api is not ready as long as its database is not",
    r"HorizontalPodAutoscaler .*: Failed(GetResourceMetric|ComputeMetricsReplicas)": "new pods have no metrics yet",
    r"FailedScheduling: .*(unbound immediate|not bound)": "a volume is made once its pod has a node",
    r"FailedPreStopHook": "the hook of the api ends with the process that it ends",
    r"FailedMount: .*no relationship found between node": "the kubelet knows of a pod before the authorizer does",
    r"not allocated; repairing$": "the API server writes its record of a new Service's address a moment later",
    r"\bdrill-[0-9a-f]{6}": "tests start drills by hand, one of them on a damaged dump",
}
"""Warning events that a start brings, and why."""

WRITE = "if touch /written 2>/dev/null; then echo writable; else echo read-only; fi; id -u"


def test_every_pod_is_ready_every_job_complete_and_nothing_restarted(running: Running, name: str) -> None:
    stack = running(name)
    assert unready(stack) == []
    assert stack.restarts() == {}


def test_no_warning_is_left_unexplained(running: Running, name: str) -> None:
    assert running(name).warnings(EXPLAINED) == []


def test_every_container_runs_as_a_number_without_a_name_on_a_root_that_it_cannot_write(
    running: Running, name: str
) -> None:
    stack = running(name)
    for pod in (one for one in stack.pods() if one["status"]["phase"] == "Running"):
        for container in pod["spec"]["containers"]:
            where = f"{pod['metadata']['name']}/{container['name']}"
            done = stack.cluster.exec(
                stack.namespace, pod["metadata"]["name"], "sh", "-c", WRITE, container=container["name"]
            )
            user = str(pod["spec"]["securityContext"]["runAsUser"])
            assert done.stdout.split() == ["read-only", user], f"{where}: {done.stdout}{done.stderr}"


def test_volumes_belong_to_the_group_that_the_servers_run_as(running: Running, name: str) -> None:
    stack = running(name)
    for pod in stack.pods():
        claims = {one["name"] for one in pod["spec"].get("volumes", []) if "persistentVolumeClaim" in one}
        for container in pod["spec"]["containers"] if pod["status"]["phase"] == "Running" else []:
            for mount in (one for one in container.get("volumeMounts", []) if one["name"] in claims):
                shown = stack.cluster.exec(
                    stack.namespace, pod["metadata"]["name"], "stat", "-c", "%g", mount["mountPath"],
                    container=container["name"],
                )  # fmt: skip
                group = str(pod["spec"]["securityContext"]["fsGroup"])
                assert shown.stdout.strip() == group, f"{pod['metadata']['name']} {mount}: {shown}"


def test_at_rest_no_pod_uses_more_than_it_asked_for(running: Running, cluster: Cluster, name: str) -> None:
    stack = running(name)
    asked = {pod["metadata"]["name"]: pod["spec"]["containers"] for pod in stack.pods()}
    used = _used(cluster, stack.namespace)
    assert used, "the kubelets measured nothing"
    for pod, containers in used.items():
        for container in containers:
            requests = next(
                one["resources"]["requests"] for one in asked.get(pod, ()) if one["name"] == container["name"]
            )
            memory = container["memory"]["workingSetBytes"]
            assert memory < parse_quantity(requests["memory"]), f"{pod}/{container['name']}: {memory} bytes"


def _used(cluster: Cluster, namespace: str) -> dict[str, list[Object]]:
    """What the kubelets measure of the running pods of a namespace."""
    found: dict[str, list[Object]] = {}
    for node in cluster.api.list("v1", "Node"):
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(cluster.kubectl("get", "--raw", path).stdout)["pods"]:
            if pod["podRef"]["namespace"] == namespace and pod.get("containers"):
                found[pod["podRef"]["name"]] = pod["containers"]
    return found
