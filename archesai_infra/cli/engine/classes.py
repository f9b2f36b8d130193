"""Classes that a stack makes for its hosts, and that the cluster already has from somebody else.

Helm and the API server refuse them in the middle of an `up`. The provider's preview does not: it takes an object that
exists for one that it could not preview, and does not ask Helm.
"""

from __future__ import annotations

from collections.abc import Mapping

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.components.ingress.chart import CHART
from archesai_infra.components.ingress.classes import MadeClass, made_classes
from archesai_infra.kube.labels import INSTANCE
from archesai_infra.stack.settings import Settings

SETTINGS = {"IngressClass": "ingress.className", "GatewayClass": "ingress.gateway.className"}
"""The setting that names the class of each kind."""
RELEASE, NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
"""Annotations by which Helm knows what it made."""


def taken(cluster: Cluster, settings: Settings, stack: str) -> list[str]:
    """Why each class that exists and is not the stack's stops an `up`, with the setting; raises ClusterError."""
    found: list[str] = []
    for made in made_classes(settings.ingress):
        metadata = (cluster.find(path_of(made.kind, name=made.name)) or {}).get("metadata")
        if metadata is None:
            continue
        marks: dict[str, str] = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
        own = _marks(made, settings, stack)
        if any(marks.get(key) != value for key, value in own.items()):
            found.append(
                f"{made.kind} {made.name} exists and is {_owner(marks)}: set {SETTINGS[made.kind]} to another name, "
                "such as arches, or ingress.controller.install to false to use the controller that is there"
            )
    return found


def require_free(cluster: Cluster, settings: Settings, stack: str) -> None:
    """Raise CommandError for such classes; raises ClusterError too."""
    if problems := obstacles(cluster, settings, stack):
        raise CommandError("\n".join(problems), Exit.INPUT)


def obstacles(cluster: Cluster, settings: Settings, stack: str) -> list[str]:
    """The result of `taken`; empty with GitOps, where Argo CD creates the classes and the engine creates none."""
    return [] if settings.gitops.enabled else taken(cluster, settings, stack)


def _marks(made: MadeClass, settings: Settings, stack: str) -> Mapping[str, str]:
    """Labels or annotations by which the stack's own class is known again."""
    if made.by_chart:
        return {RELEASE: CHART, NAMESPACE: settings.ingress.controller.release_namespace}
    return {INSTANCE: stack}


def _owner(marks: Mapping[str, str]) -> str:
    if RELEASE in marks:
        return f"of Helm release {marks[RELEASE]} in namespace {marks.get(NAMESPACE, '(none)')}"
    return f"stack {marks[INSTANCE]}'s" if INSTANCE in marks else "not this stack's"
