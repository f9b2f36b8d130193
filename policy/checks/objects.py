"""Reading an object, and the checks of how a module runs: labels, identity, resources, probes, rollouts, data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
Check = Callable[[Object], Iterator[str]]

LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/instance")
APPLICATION = "archesai"


def labels(item: Object) -> Object:
    """Labels of an object."""
    return (item.get("metadata") or {}).get("labels") or {}


def component(item: Object) -> str:
    """The module that an object belongs to."""
    return str(labels(item).get("app.kubernetes.io/component", ""))


def is_ours(item: Object) -> bool:
    """Whether the object is of this application, and not of a chart."""
    return labels(item).get("app.kubernetes.io/name") == APPLICATION


def pod(item: Object) -> Object:
    """Spec of the pods that an object runs, or of the pod that it is; empty for one that runs none."""
    spec = item.get("spec") or {}
    if item.get("kind") == "Pod":
        return spec
    if item.get("kind") == "PodTemplate":
        return (item.get("template") or {}).get("spec") or {}
    if item.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template")
    return (template.get("spec") or {}) if isinstance(template, Mapping) else {}


def containers(item: Object) -> list[Object]:
    """All containers of an object's pods."""
    spec = pod(item)
    return [
        container
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(kind) or []
    ]


def standard_labels(item: Object) -> Iterator[str]:
    """Every object says what it belongs to: selectors, policies and `arches status` go by it."""
    for label in LABELS:
        if is_ours(item) and not labels(item).get(label):
            yield f"has no label {label}"


def bounded(item: Object) -> Iterator[str]:
    """Requests and limits of CPU and memory for every container."""
    for container in containers(item):
        resources = container.get("resources") or {}
        for kind in ("requests", "limits"):
            for name in ("cpu", "memory"):
                if not (resources.get(kind) or {}).get(name):
                    yield f"container {container.get('name')} has no {kind} of {name}"


def probed(item: Object) -> Iterator[str]:
    """What serves says when it is ready and when it is broken."""
    if item.get("kind") not in ("Deployment", "StatefulSet"):
        return
    for container in (pod(item).get("containers") or [])[:1]:
        for probe in ("readinessProbe", "livenessProbe"):
            if not container.get(probe):
                yield f"container {container.get('name')} has no {probe}"


def own_identity(item: Object) -> Iterator[str]:
    """Every module has a service account of its own, and no token where none is asked for."""
    spec = pod(item)
    if not spec:
        return
    if spec.get("serviceAccountName") in (None, "", "default"):
        yield "runs as the namespace's default service account"
    if spec.get("automountServiceAccountToken") is None:
        yield "does not say whether its pods get a token: set automountServiceAccountToken"
    for volume in spec.get("volumes") or []:
        for source in (volume.get("projected") or {}).get("sources") or []:
            token = source.get("serviceAccountToken")
            if token is not None and not token.get("audience"):
                yield f"volume {volume.get('name')} holds a token for the API server: give it an audience"


def kept_data(item: Object) -> Iterator[str]:
    """Volumes outlive what uses them, and grow: no claim templates, and claims that are retained."""
    if item.get("kind") == "PersistentVolume" and (item.get("spec") or {}).get("hostPath"):
        yield "is a directory of a node"
    if item.get("kind") != "StatefulSet":
        return
    spec = item.get("spec") or {}
    if spec.get("volumeClaimTemplates"):
        yield "makes claims from a template, which cannot grow"
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    if policy.get("whenDeleted") == "Delete" or policy.get("whenScaled") == "Delete":
        yield "deletes its claims"


def scaled_once(item: Object) -> Iterator[str]:
    """A rollout never has fewer pods than asked for."""
    if item.get("kind") != "Deployment":
        return
    strategy = ((item.get("spec") or {}).get("strategy") or {}).get("rollingUpdate") or {}
    if strategy.get("maxUnavailable") not in (0, "0", "0%"):
        yield "may take pods away before new ones are ready: set maxUnavailable to 0"
