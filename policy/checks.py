"""The invariants as functions of one object: what is wrong with it, as sentences. No Pulumi in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
Check = Callable[[Object], Iterator[str]]

RUNNERS = ("Deployment", "StatefulSet", "Job", "CronJob", "DaemonSet")
LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/instance")
APPLICATION = "archesai"
WRITABLE_ROOTS = ("unstructured",)
"""Components whose image writes below its home directory."""
FLOATING = ("latest", "")
"""Tags that do not say which image it is."""
SECRET_WORDS = ("PASSWORD", "SECRET", "TOKEN", "PRIVATE_KEY", "ACCESS_KEY")


def pod(item: Object) -> Object:
    """Spec of the pods an object runs; empty for one that runs none."""
    spec = item.get("spec") or {}
    if item.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return (spec.get("template") or {}).get("spec") or {}


def containers(item: Object) -> list[Object]:
    """All containers of an object's pods."""
    spec = pod(item)
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def component(item: Object) -> str:
    """The module that an object belongs to."""
    return str(((item.get("metadata") or {}).get("labels") or {}).get("app.kubernetes.io/component", ""))


def is_ours(item: Object) -> bool:
    """Whether the object is of this application, and not of a chart."""
    labels = (item.get("metadata") or {}).get("labels") or {}
    return labels.get("app.kubernetes.io/name") == APPLICATION


def standard_labels(item: Object) -> Iterator[str]:
    """Every object says what it belongs to: selectors, policies and `arches status` go by it."""
    labels = (item.get("metadata") or {}).get("labels") or {}
    for label in LABELS:
        if is_ours(item) and not labels.get(label):
            yield f"has no label {label}"


def restricted(item: Object) -> Iterator[str]:
    """Pod Security `restricted`, and a root file system that nobody writes to."""
    spec = pod(item)
    if not spec:
        return
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"sets {field}"
    security = spec.get("securityContext") or {}
    if security.get("runAsNonRoot") is not True:
        yield "may run as root: set securityContext.runAsNonRoot"
    if (security.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile RuntimeDefault"
    if any("hostPath" in volume for volume in spec.get("volumes") or []):
        yield "mounts a directory of its node"
    for container in containers(item):
        yield from _restricted_container(container, writable=component(item) in WRITABLE_ROOTS)


def _restricted_container(container: Object, *, writable: bool) -> Iterator[str]:
    security = container.get("securityContext") or {}
    where = f"container {container.get('name')}"
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield f"{where} may gain privileges"
    if list((security.get("capabilities") or {}).get("drop") or []) != ["ALL"]:
        yield f"{where} keeps capabilities"
    if security.get("readOnlyRootFilesystem") is not True and not writable:
        yield f"{where} writes to its root file system"


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


def pinned_images(item: Object) -> Iterator[str]:
    """Every image names a version or a digest."""
    for container in containers(item):
        image = str(container.get("image", ""))
        name, _, digest = image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and tag in FLOATING:
            yield f"container {container.get('name')} runs {image}: name a version"


def no_secret_in_clear(item: Object) -> Iterator[str]:
    """Secrets reach pods by reference; in a variable's value or a ConfigMap everyone can read them."""
    for container in containers(item):
        for variable in container.get("env") or []:
            name = str(variable.get("name", ""))
            secret = any(word in name.upper() for word in SECRET_WORDS) and not name.upper().endswith("_FILE")
            if secret and variable.get("value"):
                yield f"container {container.get('name')} has {name} in clear: use secretKeyRef"
    if item.get("kind") == "ConfigMap":
        for key in item.get("data") or {}:
            # A script or file may be named after what it does; a key that is one holds one.
            if key.upper().endswith(("PASSWORD", "PRIVATE_KEY", "TOKEN")):
                yield f"has {key} in clear: use a Secret"


def own_identity(item: Object) -> Iterator[str]:
    """Every module has a service account of its own, and no token where none is asked for."""
    spec = pod(item)
    if spec and spec.get("serviceAccountName") in (None, "", "default"):
        yield "runs as the namespace's default service account"
    if spec and spec.get("automountServiceAccountToken") is None:
        yield "does not say whether its pods get a token: set automountServiceAccountToken"


def kept_data(item: Object) -> Iterator[str]:
    """Volumes outlive what uses them, and grow: no claim templates, and claims that are retained."""
    if item.get("kind") != "StatefulSet":
        return
    spec = item.get("spec") or {}
    if spec.get("volumeClaimTemplates"):
        yield "makes claims from a template, which cannot grow"
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    if policy.get("whenDeleted") == "Delete" or policy.get("whenScaled") == "Delete":
        yield "deletes its claims"


def not_exposed(item: Object) -> Iterator[str]:
    """The way in is the ingress controller: no Service of the application opens a port to the outside."""
    if item.get("kind") == "Service" and is_ours(item):
        kind = (item.get("spec") or {}).get("type", "ClusterIP")
        if kind not in ("ClusterIP", None):
            yield f"is of type {kind}: use the ingress"


def scaled_once(item: Object) -> Iterator[str]:
    """A rollout never has fewer pods than asked for."""
    if item.get("kind") != "Deployment":
        return
    strategy = ((item.get("spec") or {}).get("strategy") or {}).get("rollingUpdate") or {}
    if strategy.get("maxUnavailable") not in (0, "0", "0%"):
        yield "may take pods away before new ones are ready: set maxUnavailable to 0"


CHECKS: dict[str, Check] = {
    "standard-labels": standard_labels,
    "restricted": restricted,
    "bounded": bounded,
    "probed": probed,
    "no-secret-in-clear": no_secret_in_clear,
    "own-identity": own_identity,
    "kept-data": kept_data,
    "not-exposed": not_exposed,
    "scaled-once": scaled_once,
}
"""Checks that hold in every stack, by the name of their policy."""
PRODUCTION_CHECKS: dict[str, Check] = {"pinned-images": pinned_images}
"""Checks that hold in production only."""
