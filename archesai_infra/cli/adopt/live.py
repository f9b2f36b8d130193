"""What runs in a namespace, and how workloads in it reach their data and secrets."""

from __future__ import annotations

import posixpath
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archesai_infra.cli.base.text import kubectl

Object = dict[str, Any]
"""A Kubernetes object or a part of one, as JSON."""

KINDS = (
    "ServiceAccount",
    "Service",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Ingress",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Role",
    "RoleBinding",
    "HorizontalPodAutoscaler",
)
"""Kinds that a stack has in its namespace."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


class FileOwner(NamedTuple):
    """Numbers of the user and the group that files belong to."""

    user: int
    group: int


@dataclass(frozen=True)
class Live:
    """What the cluster has."""

    context: str
    """Of the kubeconfig, for commands that a person runs."""
    namespace: str
    objects: Mapping[tuple[str, str], Object]
    """By kind and name; the namespace itself is among them."""
    volumes: Mapping[str, Object] = field(default_factory=dict[str, Object])
    """PersistentVolumes that the namespace's claims are bound to, by name."""
    classes: Mapping[str, Object] = field(default_factory=dict[str, Object])
    """StorageClasses by name."""
    owners: Mapping[str, FileOwner] = field(default_factory=dict[str, FileOwner])
    """To whom the data of a workload belongs, by its name, where a pod could be asked."""

    def kubectl(self, words: str) -> str:
        """A command for a person in the namespace, which reaches this cluster whatever the current context is."""
        return kubectl(self.context, self.namespace, words)

    def get(self, kind: str, name: str) -> Object | None:
        """An object of the namespace, None if it does not exist."""
        return self.objects.get((kind, name))

    def workloads(self, name: str = "") -> Iterator[Object]:
        """Everything that runs pods permanently, of one name if it is given."""
        for (kind, own), item in self.objects.items():
            if kind in WORKLOADS and (not name or own == name):
                yield item

    def claim_of(self, workload: Object, volume: str) -> str | None:
        """The claim behind a volume of a workload's first pod; None where it is no claim."""
        templates = workload["spec"].get("volumeClaimTemplates") or []
        if any(one["metadata"]["name"] == volume for one in templates):
            return f"{volume}-{workload['metadata']['name']}-0"
        volumes = workload["spec"]["template"]["spec"].get("volumes") or []
        found = next((one for one in volumes if one["name"] == volume), {})
        return (found.get("persistentVolumeClaim") or {}).get("claimName")

    def claims_of(self, workload: Object) -> set[str]:
        """All claims that a workload's first pod has."""
        pod = workload["spec"]["template"]["spec"]
        names = [one["name"] for one in pod.get("volumes") or []]
        names += [one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates") or []]
        return {claim for name in names if (claim := self.claim_of(workload, name))}

    def decoded(self, secret: str, key: str) -> str | None:
        """A value of a Secret, None if it does not exist."""
        encoded = ((self.get("Secret", secret) or {}).get("data") or {}).get(key)
        return b64decode(encoded).decode() if encoded else None

    def value(self, container: Object, name: str) -> str | None:
        """The value of a variable of a container, read through the Secret or ConfigMap that it comes from."""
        entry = next((one for one in container.get("env") or [] if one["name"] == name), None)
        if entry is None:
            return None
        if "value" in entry:
            return str(entry["value"])
        source = entry.get("valueFrom") or {}
        if reference := source.get("secretKeyRef"):
            return self.decoded(reference["name"], reference["key"])
        if reference := source.get("configMapKeyRef"):
            return ((self.get("ConfigMap", reference["name"]) or {}).get("data") or {}).get(reference["key"])
        return None


@dataclass(frozen=True)
class Place:
    """Where a directory of a container is kept."""

    volume: str
    """Name of the pod's volume."""
    path: str
    """Path inside the volume; `.` is its root."""


def container_at(workload: Object, directory: str) -> tuple[Object, Place | None]:
    """The container of a workload that keeps a directory on a volume, and where; else the first one and None."""
    containers: list[Object] = workload["spec"]["template"]["spec"]["containers"]
    for container in containers:
        for mount in container.get("volumeMounts") or []:
            at = mount["mountPath"].rstrip("/")
            if directory == at or directory.startswith(f"{at}/"):
                inside = posixpath.join(mount.get("subPath", ""), directory[len(at) + 1 :])
                return container, Place(mount["name"], posixpath.normpath(inside or "."))
    return containers[0], None
