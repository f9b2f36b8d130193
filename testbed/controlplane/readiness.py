"""When an object counts as ready, and in words what it lacks."""

from __future__ import annotations

from collections.abc import Callable

from kubernetes.utils import parse_quantity

from testbed.controlplane.api import Object

_UNSEEN = "no controller has looked at it yet"


def lack(item: Object) -> str | None:
    """What this object, as the server has it now, still lacks; nothing if it is ready."""
    status = item.get("status") or {}
    seen = status.get("observedGeneration")
    # A controller that has not looked yet reports about the object as it was before.
    if seen is not None and seen < item["metadata"].get("generation", 0):
        return "its controller has not seen the last change"
    check = _CHECKS.get(item["kind"])
    return check(item, status) if check else None


def condition(status: Object, kind: str) -> Object:
    """The condition of this type, or an empty one."""
    return next((one for one in status.get("conditions") or [] if one["type"] == kind), {})


def _deployment(item: Object, status: Object) -> str | None:
    if "observedGeneration" not in status:
        return _UNSEEN
    wanted = item["spec"].get("replicas", 1)
    for counter in ("updatedReplicas", "availableReplicas", "replicas"):
        if status.get(counter, 0) != wanted:
            return f"{counter} {status.get(counter, 0)}, wanted {wanted}"
    return None


def _stateful_set(item: Object, status: Object) -> str | None:
    if "observedGeneration" not in status:
        return _UNSEEN
    wanted = item["spec"].get("replicas", 1)
    if status.get("readyReplicas", 0) != wanted:
        return f"readyReplicas {status.get('readyReplicas', 0)}, wanted {wanted}"
    if status.get("currentRevision") != status.get("updateRevision"):
        return f"{status.get('updatedReplicas', 0)} of {wanted} pods updated"
    return None


def _daemon_set(_: Object, status: Object) -> str | None:
    wanted = status.get("desiredNumberScheduled")
    for counter in ("updatedNumberScheduled", "numberAvailable"):
        if wanted is None or status.get(counter, 0) != wanted:
            return f"{counter} {status.get(counter, 0)}, wanted {wanted}"
    return None


def _job(_: Object, status: Object) -> str | None:
    if condition(status, "Complete").get("status") == "True":
        return None
    if failed := condition(status, "Failed"):
        return f"failed: {failed.get('reason')}: {failed.get('message')}"
    return f"not complete (active {status.get('active', 0)}, succeeded {status.get('succeeded', 0)})"


def _pod(_: Object, status: Object) -> str | None:
    if status.get("phase") == "Succeeded" or condition(status, "Ready").get("status") == "True":
        return None
    return f"phase {status.get('phase', 'unknown')}, not Ready"


def _claim(item: Object, status: Object) -> str | None:
    if status.get("phase") != "Bound":
        return f"phase {status.get('phase', 'unknown')}"
    wanted, size = item["spec"]["resources"]["requests"]["storage"], status.get("capacity", {}).get("storage", "0")
    return f"{size} large, wanted {wanted}" if parse_quantity(size) < parse_quantity(wanted) else None


def _addressed(item: Object, status: Object) -> str | None:
    if item["kind"] == "Service" and item["spec"].get("type") != "LoadBalancer":
        return None
    return None if status.get("loadBalancer", {}).get("ingress") else "no address"


def _condition_true(kind: str) -> Callable[[Object, Object], str | None]:
    def check(_: Object, status: Object) -> str | None:
        return None if condition(status, kind).get("status") == "True" else f"not {kind}"

    return check


def _namespace(_: Object, status: Object) -> str | None:
    return None if status.get("phase") == "Active" else f"phase {status.get('phase', 'unknown')}"


_CHECKS: dict[str, Callable[[Object, Object], str | None]] = {
    "CustomResourceDefinition": _condition_true("Established"),
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Ingress": _addressed,
    "Job": _job,
    "Namespace": _namespace,
    "Node": _condition_true("Ready"),
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "Service": _addressed,
    "StatefulSet": _stateful_set,
}
