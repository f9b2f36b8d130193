"""Why an object is not ready: its conditions, the pods it selects, and the warnings recorded about either."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.controlplane.api import Api, Object, label
from testbed.controlplane.readiness import lack

_MOST_PODS = 5
_MOST_EVENTS = 8


def explain(api: Api, item: Object) -> Iterator[str]:
    """Lines that say why an object is not ready."""
    yield from _conditions(item)
    pods = [pod for pod in _pods(api, item) if lack(pod)][:_MOST_PODS]
    for pod in pods:
        yield f"{label(pod)}: {lack(pod)}"
        yield from _conditions(pod)
    yield from _events(api, item, [item, *pods])


def _conditions(item: Object) -> Iterator[str]:
    for one in item.get("status", {}).get("conditions") or []:
        # Most conditions are good when true; those named after a failure are bad.
        good = "False" if one["type"].endswith(("Failure", "Failed", "Pressure", "Unavailable")) else "True"
        if one["status"] != good and one.get("message"):
            yield f"{label(item)}: {one['type']}={one['status']}: {one.get('reason', '')}: {one['message']}"


def _pods(api: Api, item: Object) -> list[Object]:
    selector = item.get("spec", {}).get("selector")
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    namespace = item["metadata"].get("namespace")
    if not labels or not namespace:
        return []
    return api.list("v1", "Pod", namespace, labels=",".join(f"{key}={value}" for key, value in labels.items()))


def _events(api: Api, item: Object, about: list[Object]) -> Iterator[str]:
    """The latest warnings, also those about what the object owns: a ReplicaSet says why its pods are refused."""
    names = tuple(one["metadata"]["name"] for one in about)
    warnings = [
        event
        for event in api.list("v1", "Event", item["metadata"].get("namespace"))
        if event.get("type") == "Warning" and event["involvedObject"].get("name", "").startswith(names)
    ]
    for event in warnings[-_MOST_EVENTS:]:
        involved = event["involvedObject"]
        yield f"event on {involved['kind']} {involved['name']}: {event.get('reason')}: {event.get('message')}"
