"""Classes that a stack makes for its hosts, and that the cluster already has from somebody else.

Helm and the API server refuse them in the middle of an `up`. The provider's preview does not: it takes an object that
exists for one that it could not preview, and does not ask Helm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.kube.labels import INSTANCE
from archesai_infra.stack.evaluate import Evaluation

SETTINGS = {"IngressClass": "ingress.className", "GatewayClass": "ingress.gateway.className"}
"""The setting that names the class of each kind."""
RELEASE, NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
"""Annotations by which Helm knows what it made."""


class _Class(NamedTuple):
    """A class that the stack makes, and the labels or annotations by which it is known again."""

    kind: str
    name: str
    marks: Mapping[str, str]


def taken(cluster: Cluster, declared: Evaluation) -> list[str]:
    """Why each class that exists and is not the stack's stops an `up`, with the setting; raises ClusterError."""
    found: list[str] = []
    for made in _made(declared):
        metadata = (cluster.find(path_of(made.kind, name=made.name)) or {}).get("metadata")
        if metadata is None:
            continue
        marks: dict[str, str] = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
        if any(marks.get(key) != value for key, value in made.marks.items()):
            found.append(
                f"{made.kind} {made.name} exists and is {_owner(marks)}: set {SETTINGS[made.kind]} to another name, "
                "such as arches, or ingress.controller.install to false to use the controller that is there"
            )
    return found


def require_free(cluster: Cluster, declared: Evaluation) -> None:
    """Raise CommandError for such classes; raises ClusterError too."""
    if problems := taken(cluster, declared):
        raise CommandError("\n".join(problems), Exit.INPUT)


def _made(declared: Evaluation) -> Iterator[_Class]:
    """Classes that are objects of the stack, and the one that Traefik's chart makes."""
    for item in declared.objects:
        if item["kind"] in SETTINGS:
            yield _Class(item["kind"], item["metadata"]["name"], {INSTANCE: item["metadata"]["labels"][INSTANCE]})
    for release in declared.releases:
        made: Mapping[str, Any] = release.inputs["values"].get("ingressClass", {})
        if made.get("enabled"):
            marks = {RELEASE: str(release.inputs["name"]), NAMESPACE: str(release.inputs["namespace"])}
            yield _Class("IngressClass", str(made["name"]), marks)


def _owner(marks: Mapping[str, str]) -> str:
    if RELEASE in marks:
        return f"of Helm release {marks[RELEASE]} in namespace {marks.get(NAMESPACE, '(none)')}"
    return f"stack {marks[INSTANCE]}'s" if INSTANCE in marks else "not this stack's"
