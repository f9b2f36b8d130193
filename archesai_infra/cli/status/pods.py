"""Why pods of a stack are not ready, in the words of the kubelet and the scheduler."""

from __future__ import annotations

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.text import one_line


def reason(cluster: Cluster, namespace: str, labels: str) -> str:
    """Name of the first selected pod that is not ready, and why; empty where none says why. Raises ClusterError."""
    for pod in cluster.list(path("Pod", namespace), labels=labels):
        if why := pod_problem(pod) or _failed_probe(cluster, pod):
            return f"{pod['metadata']['name']} {why}"
    return ""


def pod_problem(pod: Object) -> str:
    """Why a pod does not run, by its status; empty where it runs, or where no reason is given."""
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"{waiting['reason']} {waiting.get('message', '')}".strip()
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"is not scheduled: {condition.get('message', condition.get('reason', ''))}"
    return ""


def _failed_probe(cluster: Cluster, pod: Object) -> str:
    """What the probe of a pod that is not ready got last, such as `Readiness probe failed: … statuscode: 404`."""
    conditions = pod.get("status", {}).get("conditions", [])
    if any((item["type"], item["status"]) == ("Ready", "True") for item in conditions):
        return ""
    metadata = pod["metadata"]
    about = f"involvedObject.kind=Pod,involvedObject.name={metadata['name']},reason=Unhealthy"
    events = cluster.list(path("Event", metadata["namespace"]), fields=about)
    newest = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default={})
    return one_line(newest.get("message", ""))
