"""The security that a pod's containers end up with, whatever its parts say, and where its images come from."""

from __future__ import annotations

from collections.abc import Iterator

from .objects import Object, component, containers, pod

WRITABLE_ROOTS = ("unstructured",)
"""Components whose image writes below its home directory."""
PRIVILEGED_NAMESPACES = {
    "backups": "Velero's agent reads the kubelet's pods as root",
    "monitoring-home": "the node exporter needs its node's network and processes",
}
"""Components that may make a privileged namespace, and why."""
VOLUMES = ("configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
"""Kinds of volume that reach nothing outside the namespace."""
SECCOMP = ("RuntimeDefault", "Localhost")
FLOATING = ("", "latest", "main", "master", "edge", "nightly", "dev", "develop", "canary", "head", "stable")
"""Tags that do not say which image it is."""
REGISTRIES = (
    "docker.io",
    "downloads.unstructured.io",
    "ghcr.io",
    "mcr.microsoft.com",
    "quay.io",
    "registry.k8s.io",
)
"""Registries that the shipped images come from; an image without one comes from docker.io."""
REGISTRIES_ANNOTATION = "archesai.com/registries"
"""Annotation of an object whose images come from other registries: the stack's `security.registries`."""


def restricted(item: Object) -> Iterator[str]:
    """Pod Security `restricted` for each container, and a root file system that nobody writes to."""
    if item.get("kind") == "Namespace":
        yield from _namespace(item)
    spec = pod(item)
    if not spec:
        return
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"sets {field}"
    if (spec.get("securityContext") or {}).get("sysctls"):
        yield "sets sysctls of its node"
    for volume in spec.get("volumes") or []:
        kinds = [kind for kind in volume if kind != "name"]
        if "hostPath" in kinds:
            yield "mounts a directory of its node"
        yield from (f"mounts a volume of kind {kind}" for kind in kinds if kind not in (*VOLUMES, "hostPath"))
    for container in containers(item):
        yield from _container(container, spec, writable=component(item) in WRITABLE_ROOTS)


def _namespace(item: Object) -> Iterator[str]:
    labels = (item.get("metadata") or {}).get("labels") or {}
    level = labels.get("pod-security.kubernetes.io/enforce")
    if level not in ("restricted", "baseline") and component(item) not in PRIVILEGED_NAMESPACES:
        yield f"enforces Pod Security {level or 'of no level'}: set restricted"


def _container(container: Object, spec: Object, *, writable: bool) -> Iterator[str]:
    """What one container ends up with: its own security context stands above the pod's."""
    security = {**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})}
    where = f"container {container.get('name')}"
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield f"{where} may run as root: set securityContext.runAsNonRoot"
    if (security.get("seccompProfile") or {}).get("type") not in SECCOMP:
        yield f"{where} has no seccomp profile RuntimeDefault"
    if (security.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{where} has no AppArmor profile"
    yield from (f"{where} {what}" for what in _privileges(security))
    if [port for port in container.get("ports") or [] if port.get("hostPort")]:
        yield f"{where} opens a port of its node"
    if security.get("readOnlyRootFilesystem") is not True and not writable:
        yield f"{where} writes to its root file system"


def _privileges(security: Object) -> Iterator[str]:
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "may gain privileges"
    capabilities = security.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or []):
        yield "keeps capabilities"
    if added := [name for name in capabilities.get("add") or [] if name != "NET_BIND_SERVICE"]:
        yield f"adds the capabilities {', '.join(map(str, added))}"
    if security.get("procMount") not in (None, "Default"):
        yield "sees the whole of /proc"
    if security.get("seLinuxOptions"):
        yield "chooses its SELinux options"
    if (security.get("windowsOptions") or {}).get("hostProcess"):
        yield "is a process of its node"


def registry(image: str) -> str:
    """Host of the registry that an image comes from."""
    first, slash, _ = image.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if named else "docker.io"


def pinned_images(item: Object) -> Iterator[str]:
    """Every image names a version or a digest."""
    for container in containers(item):
        image = str(container.get("image", ""))
        name, _, digest = image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and tag.lower() in FLOATING:
            yield f"container {container.get('name')} runs {image}: name a version"


def listed_registries(item: Object) -> Iterator[str]:
    """Images come from the registries that the stack lists."""
    annotations = (item.get("metadata") or {}).get("annotations") or {}
    given = str(annotations.get(REGISTRIES_ANNOTATION, ""))
    listed = tuple(filter(None, given.split(","))) or REGISTRIES
    for container in containers(item):
        image = str(container.get("image", ""))
        if registry(image) not in listed:
            yield f"container {container.get('name')} runs {image}: registry {registry(image)} is not listed"
