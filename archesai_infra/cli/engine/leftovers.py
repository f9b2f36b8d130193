"""What a killed run leaves: a lock, changes that nobody saw the end of, and records of unfinished Helm releases."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.owner import owner_of
from archesai_infra.cli.engine.returning import identity, returning
from archesai_infra.kube.labels import INSTANCE
from archesai_infra.stack.evaluate import RELEASE, Evaluation, Resource

_HOLDER = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<process>\d+)\)")
"""How the engine names the process that holds a lock of a state."""
_SHARED_MONITORING = "set monitoring.operator to existing"
_SHARED = {
    "cert-manager": "set ingress.certManager.install to false",
    "traefik": "set ingress.controller.install to false",
    "velero": "set backups.velero.install to false",
}
"""By release, the setting with which a stack uses what another stack of the cluster installed."""
_RANDOM = "pulumi-kubernetes-"
"""Prefixes of the names that the provider chooses itself."""
UNFINISHED = ("pending-install", "pending-upgrade", "pending-rollback")
"""What Helm writes before it changes anything, and replaces when it is done."""


_WITH_DATA = ("Namespace", "PersistentVolumeClaim", "Secret")
"""Kinds of which a creation may be the return of something that was kept."""


@dataclass(frozen=True)
class Record:
    """A Secret in which Helm keeps one revision of a release."""

    namespace: str
    release: str
    secret: str
    status: str
    """Helm's word, such as `pending-install`."""

    @property
    def path(self) -> str:
        """Path of the Secret at the API server."""
        return path_of("Secret", self.namespace, self.secret)

    @property
    def line(self) -> str:
        """The record in a line for a person."""
        return f"Helm release {self.release} in namespace {self.namespace}: {self.status} (Secret {self.secret})"


@dataclass(frozen=True)
class Leftovers:
    """What the state and the cluster show of runs that did not end."""

    pending: tuple[str, ...] = ()
    """URNs of resources whose creation was begun; they may exist."""
    changing: tuple[str, ...] = ()
    """URNs of resources whose update or deletion was begun; the state has them as they were before."""
    undeclared: tuple[tuple[str, str], ...] = ()
    """Namespace and `kind/name` of objects whose creation was begun and that the stack does not declare any more; those
    with data, which outlive a stack, are left out."""
    returning: tuple[str, ...] = ()
    """Names of objects that a run had still to delete and that the stack declares again."""
    records: tuple[Record, ...] = ()
    """Records that keep Helm from going on."""
    lost: tuple[str, ...] = ()
    """Releases that the state knows and that have no record but these."""
    foreign: tuple[str, ...] = ()
    """Releases whose namespace another stack made, each with the key that uses the other's."""
    unnamed: bool = False
    """Whether the state has objects whose fields were set under a random name."""
    forgotten: bool = False
    """Whether the stack runs in the cluster and its state knows nothing of it."""

    @property
    def state_is_outdated(self) -> bool:
        """Whether the cluster has to be read first: the state takes an edit back to what it knows for no change."""
        return bool(self.changing or self.lost)

    def clear(self, cluster: Cluster) -> None:
        """Delete the records, so that the releases are installed or upgraded again; what they installed stays."""
        for record in self.records:
            cluster.send("DELETE", record.path)


def find(deployment: Mapping[str, Any], declared: Evaluation, cluster: Cluster, stack: str) -> Leftovers:
    """Compare an exported state with what the cluster has of the stack; raises ClusterError.

    Records in a namespace that is not labelled as the stack's belong to another stack and are left out.
    """
    operations = [(one["type"], one["resource"]) for one in deployment.get("pending_operations") or []]
    begun = [resource for kind, resource in operations if kind == "creating"]
    pending = tuple(str(resource["urn"]) for resource in begun)
    changing = tuple(str(resource["urn"]) for kind, resource in operations if kind in ("updating", "deleting"))
    undeclared = tuple(_undeclared(begun, declared))
    known = frozenset(_known(deployment))
    records: list[Record] = []
    lost: list[str] = []
    foreign: list[str] = []
    for release in declared.releases:
        namespace, name = _place(release)
        owner = owner_of(cluster, namespace)
        if owner not in (None, stack) and (namespace, name) not in known:
            foreign.append(f"namespace {namespace} is stack {owner}'s: {_SHARED.get(name, _SHARED_MONITORING)}")
        if owner != stack:
            continue
        found = list(_records(cluster, namespace, name))
        stale = [one for one in found if (namespace, name) not in known or one.status in UNFINISHED]
        records += stale
        if stale == found and found and (namespace, name) in known:
            lost.append(name)
    forgotten = not pending and not deployment.get("resources") and _runs_in(cluster, declared, stack)
    unnamed = any(_manager(one).startswith(_RANDOM) for one in deployment.get("resources") or [])
    others = tuple(dict.fromkeys(foreign))
    again = tuple(identity(one["inputs"])[2] for one in returning(deployment, declared))
    return Leftovers(
        pending,
        changing,
        undeclared,
        again,
        tuple(records),
        tuple(lost),
        others,
        unnamed=unnamed,
        forgotten=forgotten,
    )


def unfinished(declared: Evaluation, cluster: Cluster, stack: str) -> Iterator[Record]:
    """Records of the stack's releases that Helm has not ended; raises ClusterError."""
    for release in declared.releases:
        namespace, name = _place(release)
        if owner_of(cluster, namespace) == stack:
            yield from (one for one in _records(cluster, namespace, name) if one.status in UNFINISHED)


def abandoned(text: str) -> bool:
    """Whether an engine's message says that a state is locked, and each process that did so ran here and is gone."""
    holders = [(found["host"], int(found["process"])) for found in _HOLDER.finditer(text)]
    return bool(holders) and all(host == socket.gethostname() and not _runs(process) for host, process in holders)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _known(deployment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for resource in deployment.get("resources") or []:
        if resource["type"] == RELEASE:
            yield str(resource["inputs"]["namespace"]), str(resource["inputs"]["name"])


def _undeclared(begun: Sequence[Mapping[str, Any]], declared: Evaluation) -> Iterator[tuple[str, str]]:
    wanted = {identity(item) for item in declared.objects}
    for resource in begun:
        inputs = resource.get("inputs") or {}
        if "metadata" in inputs and inputs["kind"] not in _WITH_DATA and identity(inputs) not in wanted:
            kind, namespace, name = identity(inputs)
            # kubectl takes any namespace for an object of the whole cluster.
            yield namespace or declared.settings.namespace, f"{kind.lower()}/{name}"


def _manager(resource: Mapping[str, Any]) -> str:
    return str((resource.get("outputs") or {}).get("__fieldManager", ""))


def _place(release: Resource) -> tuple[str, str]:
    return str(release.inputs["namespace"]), str(release.inputs["name"])


def _runs_in(cluster: Cluster, declared: Evaluation, stack: str) -> bool:
    """Whether a Deployment of the stack exists, which no destroyed stack leaves."""
    return bool(cluster.list(path_of("Deployment", declared.settings.namespace), labels=f"{INSTANCE}={stack}"))


def _records(cluster: Cluster, namespace: str, release: str) -> Iterator[Record]:
    for item in cluster.list(path_of("Secret", namespace), labels=f"owner=helm,name={release}"):
        metadata = item["metadata"]
        yield Record(namespace, release, str(metadata["name"]), str(metadata["labels"].get("status", "unknown")))
