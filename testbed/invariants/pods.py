"""How pods run: unprivileged, bounded, probed, stopped in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archesai_infra.quantities import cpu_cores, memory_bytes
from testbed.invariants.view import CONTROLLERS, RUNNERS, Check, Object, Rendered, component, containers, pod, title

IDS_OF_IMAGES = {
    "unstructured": (1000, "models and the LibreOffice profile belong to the image's own user"),
    "scraper": (1001, "the browsers' home belongs to the image's own user"),
}
"""Modules that keep the id of their image, and why; all others are above 10000, where no user of a node is."""
WRITABLE_ROOTS = {
    "unstructured": "LibreOffice writes below the home directory whose content the image brings",
}
"""Modules whose root file system is not read-only, and why."""
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Kinds of volumes that Pod Security `restricted` allows."""
NUMBERS: dict[str, Callable[[str], float]] = {
    "cpu": cpu_cores,
    "memory": memory_bytes,
    "ephemeral-storage": memory_bytes,
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def pods_are_restricted(rendered: Rendered) -> Iterator[str]:
    """Pod Security `restricted`, for the whole pod."""
    for item in rendered.kinds(*RUNNERS):
        spec = pod(item)
        security = spec.get("securityContext", {})
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(field):
                yield f"{title(item)}: {field}"
        if security.get("runAsNonRoot") is not True:
            yield f"{title(item)}: may run as root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{title(item)}: no seccomp profile"
        if "sysctls" in security:
            yield f"{title(item)}: sets sysctls"
        for volume in spec.get("volumes", []):
            for kind in volume.keys() - {"name"} - VOLUMES:
                yield f"{title(item)}: volume {volume['name']} is a {kind}"


def containers_are_restricted(rendered: Rendered) -> Iterator[str]:
    """Pod Security `restricted`, for every container; and a root file system that nobody writes to."""
    for item in rendered.kinds(*RUNNERS):
        for container in containers(item):
            security = container.get("securityContext", {})
            where = f"{title(item)}: container {container['name']}"
            if security.get("allowPrivilegeEscalation") is not False:
                yield f"{where} may gain privileges"
            if security.get("privileged") or security.get("capabilities", {}) != {"drop": ["ALL"]}:
                yield f"{where} keeps capabilities"
            if not security.get("readOnlyRootFilesystem") and component(item) not in WRITABLE_ROOTS:
                yield f"{where} writes to its root file system"
            if security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
                yield f"{where} runs as root"
            if any("hostPort" in port for port in container.get("ports", [])):
                yield f"{where} takes a port of its node"
            if any("host" in container.get(probe, {}).get("httpGet", {}) for probe in PROBES):
                yield f"{where} probes another host"


def ids_are_numbers(rendered: Rendered) -> Iterator[str]:
    """Numeric user and group: the kubelet refuses names, and no id of a node's user is met."""
    for item in rendered.kinds(*RUNNERS):
        security = pod(item).get("securityContext", {})
        expected = IDS_OF_IMAGES.get(component(item), (None, ""))[0]
        for field in ("runAsUser", "runAsGroup", "fsGroup"):
            number = security.get(field)
            if not isinstance(number, int) or (number < 10000 and number != expected):
                yield f"{title(item)}: {field} is {number}"
        if security.get("fsGroupChangePolicy") != "OnRootMismatch":
            yield f"{title(item)}: walks its volumes at every start and widens their modes"


def resources_are_bounded(rendered: Rendered) -> Iterator[str]:
    """Requests and limits of all three resources, and scratch volumes that fit into them."""
    for item in rendered.kinds(*RUNNERS):
        disk = 0.0
        for container in containers(item):
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            for name, number in NUMBERS.items():
                if name not in requests or name not in limits:
                    yield f"{title(item)}: container {container['name']} has no request and limit of {name}"
                elif number(requests[name]) > number(limits[name]):
                    yield f"{title(item)}: container {container['name']} requests more {name} than its limit"
            disk += memory_bytes(limits.get("ephemeral-storage", "1"))
        yield from _scratch(item, disk)


def _scratch(item: Object, disk: float) -> Iterator[str]:
    scratch = [volume for volume in pod(item).get("volumes", []) if "emptyDir" in volume]
    unbounded = [volume["name"] for volume in scratch if "sizeLimit" not in volume["emptyDir"]]
    for name in unbounded:
        yield f"{title(item)}: scratch volume {name} has no bound"
    on_disk = [volume["emptyDir"]["sizeLimit"] for volume in scratch if volume["emptyDir"].keys() == {"sizeLimit"}]
    if sum(map(memory_bytes, on_disk)) > disk:
        yield f"{title(item)}: its scratch volumes are larger than its limit of ephemeral-storage"


def servers_are_probed(rendered: Rendered) -> Iterator[str]:
    """All three probes; and liveness must not ask what readiness asks, or a dependency's outage restarts the pod."""
    for item in rendered.kinds(*CONTROLLERS):
        for container in containers(item):
            where = f"{title(item)}: container {container['name']}"
            missing = [probe for probe in PROBES if probe not in container]
            if missing:
                yield f"{where} has no {', '.join(missing)}"
            elif _question(container["readinessProbe"]) == _question(container["livenessProbe"]):
                yield f"{where} is restarted by what only should take it out of service"


def _question(probe: Object) -> dict[str, Any]:
    return {key: probe[key] for key in ("httpGet", "tcpSocket", "exec", "grpc") if key in probe}


def redis_probes_read_the_answer(rendered: Rendered) -> Iterator[str]:
    """`redis-cli ping` exits 0 on a wrong password and while data is loading: only the answer tells."""
    for item in rendered.kinds(*RUNNERS):
        for container in containers(item):
            for probe in PROBES:
                command = " ".join(container.get(probe, {}).get("exec", {}).get("command", []))
                if "redis-cli" in command and "grep -q '^PONG$'" not in command:
                    yield f"{title(item)}: {probe} of {container['name']} is green on a wrong password"


def pods_are_kept_in_order(rendered: Rendered) -> Iterator[str]:
    """No environment of other Services, no token unless asked for, time to stop, some history."""
    readers = {"api"} if rendered.settings.api.kubernetes_access else set[str]()
    for item in rendered.kinds(*RUNNERS):
        spec = pod(item)
        if spec.get("enableServiceLinks") is not False:
            yield f"{title(item)}: gets the addresses of all Services as environment variables"
        if spec.get("automountServiceAccountToken") is not (component(item) in readers):
            yield f"{title(item)}: its service account's token is mounted, or is not"
        if spec.get("terminationGracePeriodSeconds", 0) < 30:
            yield f"{title(item)}: has less than 30 s to stop"
        if item["kind"] in CONTROLLERS and item["spec"].get("revisionHistoryLimit") is None:
            yield f"{title(item)}: keeps ten old revisions"
    for item in rendered.kinds("ServiceAccount"):
        if item.get("automountServiceAccountToken") is not False:
            yield f"{title(item)}: gives its token to every pod"


def images_are_pinned(rendered: Rendered) -> Iterator[str]:
    """Production runs what was tested: a tag other than `latest`, or a digest."""
    for item in rendered.kinds(*RUNNERS):
        for container in containers(item):
            image: str = container["image"]
            tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
            moving = "@" not in image and tag in ("", "latest")
            if moving and (rendered.settings.production or not tag):
                yield f"{title(item)}: image {image} is not pinned"


CHECKS: tuple[Check, ...] = (
    pods_are_restricted,
    containers_are_restricted,
    ids_are_numbers,
    resources_are_bounded,
    servers_are_probed,
    redis_probes_read_the_answer,
    pods_are_kept_in_order,
    images_are_pinned,
)
