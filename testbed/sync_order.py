"""The order in which Argo CD syncs, as its documentation states it; a stand-in for Argo CD, of which nothing runs here.

https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/: by wave, then by kind, then by name; with `PruneLast`
(user-guide/sync-options/) what left the manifests is deleted after everything else is synced and healthy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from archesai_infra.components.gitops import OPTIONS, WAVE

Object = Mapping[str, Any]
KINDS = (
    *("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ServiceAccount"),
    *("Secret", "ConfigMap", "PersistentVolumeClaim", "Role", "RoleBinding", "Service", "Deployment"),
    *("HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "Ingress"),
)
"""The part of Argo CD's order of kinds that a stack has; other kinds come last."""


class Step(NamedTuple):
    """One change of the cluster."""

    action: Literal["apply", "prune"]
    item: Object


def steps(before: Sequence[Object], after: Sequence[Object]) -> Iterator[Step]:
    """What a sync with `PruneLast` does, in order."""

    def place(item: Object) -> tuple[int, int, str]:
        metadata, kind = item["metadata"], item["kind"]
        wave = int(metadata.get("annotations", {}).get(WAVE, "0"))
        return wave, KINDS.index(kind) if kind in KINDS else len(KINDS), metadata["name"]

    kept = {key(item) for item in after}
    yield from (Step("apply", item) for item in sorted(after, key=place))
    for item in sorted(before, key=place, reverse=True):
        if key(item) not in kept and "Prune=false" not in item["metadata"].get("annotations", {}).get(OPTIONS, ""):
            yield Step("prune", item)


def key(item: Object) -> tuple[str, str]:
    """Kind and name of an object."""
    return item["kind"], item["metadata"]["name"]
