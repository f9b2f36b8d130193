"""Who else changes an object: two owners would take it from each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archesai_infra.cli.adopt.live import Object
from archesai_infra.cli.base.text import kubectl

PREDECESSORS = ("kubectl", "before-first-apply", "pulumi-kubernetes-")
"""Prefixes of the names under which kubectl, or a stack whose state is lost, set fields."""
PROVIDER = "pulumi-kubernetes"
"""The name from which the engine's provider takes fields over."""
_CONTROLLERS = "kube-"


class Owner(NamedTuple):
    """Somebody else's claim on an object."""

    name: str
    cure: str
    """How to remove the owner without deleting anything."""


def owner(item: Object, stack: str, context: str) -> Owner | None:
    """Who has an object, if it is neither nobody nor the stack itself."""
    metadata = item["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    managers = {entry.get("manager", "") for entry in metadata.get("managedFields") or []}
    managed_by = labels.get("app.kubernetes.io/managed-by")
    if managed_by == "Helm" or "meta.helm.sh/release-name" in annotations:
        return _helm(annotations.get("meta.helm.sh/release-name", "?"), metadata.get("namespace", ""), context)
    argo = annotations.get("argocd.argoproj.io/tracking-id") or labels.get("argocd.argoproj.io/instance")
    if argo or any(name.startswith("argocd-") for name in managers):
        return _argo(argo.partition(":")[0] if argo else "?", context)
    if flux := labels.get("kustomize.toolkit.fluxcd.io/name"):
        return Owner(f"Flux Kustomization {flux}", f"flux suspend kustomization {flux}, then delete it with prune off")
    if managed_by == "pulumi" and (other := labels.get("app.kubernetes.io/instance", stack)) != stack:
        return Owner(f"stack {other}", f"adopt with --stack {other}, or take it out of that state first")
    for reference in metadata.get("ownerReferences") or []:
        return Owner(f"{reference['kind']} {reference['name']}", "it goes with its owner: take the reference out first")
    return None


def setters(item: Object, changed: Iterable[str]) -> tuple[str, ...]:
    """Who else set a field that will be changed, and would make the change a conflict; paths as far as the first list.

    What controllers of Kubernetes set in an object of the stack is theirs to set.
    """
    paths = {path.partition("[")[0] for path in changed}
    return tuple(
        sorted(
            {
                entry["manager"]
                for entry in item["metadata"].get("managedFields") or []
                if not entry["manager"].startswith((*PREDECESSORS, PROVIDER, _CONTROLLERS))
                and not entry.get("subresource")
                if any(_sets(entry.get("fieldsV1") or {}, path.split(".")) for path in paths)
            }
        )
    )


def _sets(fields: Object, path: list[str]) -> bool:
    """Whether a path is among a manager's fields; names with dots in them are tried whole, from here to the end."""
    if not path:
        return True
    return any(
        _sets(fields[key], path[length:])
        for length in range(1, len(path) + 1)
        if (key := f"f:{'.'.join(path[:length])}") in fields
    )


def _helm(release: str, namespace: str, context: str) -> Owner:
    forget = kubectl(context, namespace, f"delete secret --selector owner=helm,name={release}")
    return Owner(
        f"Helm release {release}",
        f"make Helm forget the release, not uninstall it: {forget}; then take annotation meta.helm.sh/release-name and "
        "label managed-by=Helm off",
    )


def _argo(application: str, context: str) -> Owner:
    delete = kubectl(context, "argocd", f"delete application {application} --cascade=orphan")
    return Owner(
        f"Argo CD application {application}",
        f"{delete}, then take annotation argocd.argoproj.io/tracking-id off; or keep Argo CD and set gitops.enabled",
    )
