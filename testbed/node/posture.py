"""What must hold of a running stack, each as a list of what does not: the tests of stacks expect them empty."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

from kubernetes.utils import parse_quantity

from archesai_infra.components import unstructured
from testbed.controlplane.api import Object
from testbed.node.cluster import Cluster
from testbed.node.stack import COMPONENT, LiveStack

EXPLAINED = {
    r"Unhealthy: Startup probe failed": "a server that starts does not answer yet",
    r"archesai-api-.*Unhealthy: Readiness probe failed": "the api is not ready as long as its database is not",
    r"HorizontalPodAutoscaler .*: Failed(Get\w*ResourceMetric|ComputeMetricsReplicas)": "new pods are not measured",
    r"FailedScheduling: .*(unbound immediate|not bound)": "a volume is made once its pod has a node",
    r"FailedPreStopHook": "the hook of the api ends with the process that it ends",
    r"FailedMount: .*no relationship found between node": "the kubelet knows of a pod before the authorizer does",
    r"FailedCreate: .*service account .* not found": "the engine makes both at once, and the set tries again",
    r"FailedCreate: .*on resourcequotas .*has been modified": "two writers of the quota met, and the set tries again",
    r"not allocated; repairing$": "the API server writes its record of a new Service's address a moment later",
}
"""Warning events that a start brings, and why."""
ROOT_AND_USER = """
while read -r _ place _ options _; do if [ "$place" = / ]; then echo "${options%%,*}"; fi; done </proc/mounts
id -u
"""
"""How the root is mounted: a user without rights cannot write into one that others could write into either."""
EATEN = 3_000_000_000
"""Bytes that a process takes to exceed the limit of its container."""


WRITES_ITS_ROOT = unstructured.MODULE
"""The one component whose image needs a root that can be written, see there."""


def writable_or_named(stack: LiveStack) -> Iterator[str]:
    """Containers whose root can be written, or that do not run as the number of their manifest."""
    for pod in _running(stack):
        for container in pod["spec"]["containers"]:
            where = f"{pod['metadata']['name']}/{container['name']}"
            done = stack.cluster.exec(
                stack.namespace, pod["metadata"]["name"], "sh", "-c", ROOT_AND_USER, container=container["name"]
            )
            user = str(pod["spec"]["securityContext"].get("runAsUser"))
            root = "rw" if pod["metadata"]["labels"][COMPONENT] == WRITES_ITS_ROOT else "ro"
            if done.stdout.split() != [root, user]:
                yield f"{where}: {done.stdout}{done.stderr}"


def foreign_volumes(stack: LiveStack) -> Iterator[str]:
    """Mounted claims that do not belong to the group of the pod's manifest."""
    for pod in _running(stack):
        claims = {one["name"] for one in pod["spec"].get("volumes", []) if "persistentVolumeClaim" in one}
        for container in pod["spec"]["containers"]:
            for mount in (one for one in container.get("volumeMounts", []) if one["name"] in claims):
                shown = stack.cluster.exec(
                    stack.namespace, pod["metadata"]["name"], "stat", "-c", "%g", mount["mountPath"],
                    container=container["name"],
                )  # fmt: skip
                group = str(pod["spec"]["securityContext"].get("fsGroup"))
                if shown.stdout.strip() != group:
                    yield f"{pod['metadata']['name']}{mount['mountPath']}: {shown.stdout}{shown.stderr}"


def hungry(stack: LiveStack) -> Iterator[str]:
    """Containers that use more memory or processor time at rest than they asked for."""
    asked = {
        (pod["metadata"]["name"], container["name"]): container["resources"]["requests"]
        for pod in stack.pods()
        for container in pod["spec"]["containers"]
    }
    used = _used(stack.cluster, stack.namespace)
    if not used:
        yield "the kubelets measured nothing"
    for pod, containers in used.items():
        for container in containers:
            requests = asked.get((pod, container["name"]))
            if requests is None:
                # It is on its way out.
                continue
            memory = container["memory"]["workingSetBytes"]
            if memory >= parse_quantity(requests["memory"]):
                yield f"{pod}/{container['name']}: {memory} bytes"
            # The kubelet's average over some ten seconds; a container that is new has none.
            cores = container["cpu"].get("usageNanoCores", 0) / 1e9
            if cores >= parse_quantity(requests["cpu"]):
                yield f"{pod}/{container['name']}: {cores:.3f} processors"


def unbounded(stack: LiveStack, component: str, taken: int = EATEN) -> Iterator[str]:
    """Whether a process in a component's container may take so many bytes."""
    # Without a line's end in it, `tail` keeps all of it.
    eater = f"head -c {taken} /dev/zero | tail -n 1 >/dev/null"
    done = stack.cluster.exec(stack.namespace, stack.pod(component)["metadata"]["name"], "sh", "-c", eater)
    if done.returncode != 128 + signal.SIGKILL:
        yield f"{component} took {taken} bytes: status {done.returncode} {done.stderr}"


def _running(stack: LiveStack) -> list[Object]:
    return [one for one in stack.pods() if one["status"]["phase"] == "Running"]


def _used(cluster: Cluster, namespace: str) -> dict[str, list[Object]]:
    """What the kubelets measure of the running pods of a namespace."""
    found: dict[str, list[Object]] = {}
    for node in cluster.api.list("v1", "Node"):
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(cluster.kubectl("get", "--raw", path).stdout)["pods"]:
            if pod["podRef"]["namespace"] == namespace and pod.get("containers"):
                found[pod["podRef"]["name"]] = pod["containers"]
    return found
