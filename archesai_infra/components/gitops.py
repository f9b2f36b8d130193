"""Argo CD: an Application that keeps the cluster at the rendered manifests; the program then declares nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.settings import Module
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel

MODULE = "gitops"
WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
KEPT = "Prune=false,Delete=false"
"""For what holds data: it stays when it leaves the repository, as it stays when it leaves a stack."""
API_GROUP = "argoproj.io/v1alpha1"


class Destination(Model):
    """The cluster that the Application is for, as Argo CD knows it."""

    server: str = Field(default="https://kubernetes.default.svc", pattern=r"^https://\S+$")
    """Address of its API server; the default is the cluster that Argo CD runs in."""
    name: DnsLabel | None = None
    """Name that Argo CD has for it, in place of the address."""


class GitopsSettings(Module):
    """Argo CD applies the stack from a repository; Pulumi declares the Application and nothing else."""

    enabled: bool = False
    """Hand the stack over to Argo CD."""
    repo_url: str | None = Field(default=None, pattern=r"^(https://|ssh://|git@)\S+$")
    """Repository that holds the rendered manifests."""
    revision: str = "main"
    """Branch, tag or commit."""
    path: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")
    """Directory of the manifests in it; `rendered/<stack>` where it is not set."""
    project: DnsLabel = "default"
    """Argo CD project."""
    namespace: DnsLabel = "argocd"
    """Namespace of Argo CD."""
    destination: Destination = Destination()
    """The cluster."""


@dataclass(frozen=True)
class GitopsArgs:
    """What the component is built from."""

    settings: GitopsSettings
    scaled: tuple[str, ...]
    """Deployments whose number of pods an autoscaler owns."""


class Gitops(Component):
    """The Application. Its deletion leaves the objects: it carries no finalizer."""

    def __init__(self, context: Context, args: GitopsArgs, opts: pulumi.ResourceOptions | None = None) -> None:

        super().__init__("Gitops", MODULE, context, opts)
        CustomResource(
            f"{self.module}-application",
            api_version=API_GROUP,
            kind="Application",
            metadata={
                "name": object_name(context.instance),
                "namespace": args.settings.namespace,
                "labels": labels(self.module, context.instance),
            },
            spec=application_spec(args, context.instance, context.namespace),
            opts=self.child(),
        )
        self.register_outputs({})


_SYNC_OPTIONS = (
    "CreateNamespace=true",
    "ServerSideApply=true",
    "RespectIgnoreDifferences=true",
    # A ConfigMap that running pods still mount goes only after the pods of the new revision are healthy.
    "PruneLast=true",
)


def application_spec(args: GitopsArgs, stack: str, namespace: str) -> dict[str, Any]:
    """Spec of the Application: automated, pruning and self-healing, with an autoscaler's work left alone."""
    settings = args.settings
    target = settings.destination
    spec: dict[str, Any] = {
        "project": settings.project,
        "source": {
            "repoURL": settings.repo_url,
            "targetRevision": settings.revision,
            "path": settings.path or f"rendered/{stack}",
        },
        "destination": ({"name": target.name} if target.name else {"server": target.server}) | {"namespace": namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": list(_SYNC_OPTIONS),
            "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
        },
    }
    if args.scaled:
        spec["ignoreDifferences"] = [
            {"group": "apps", "kind": "Deployment", "name": name, "jsonPointers": ["/spec/replicas"]}
            for name in args.scaled
        ]
    return spec


_FOUNDATION, _STANDING, _DATA, _JOBS, _SERVING, _EDGE, _SCALING = range(-1, 6)
"""Waves; Argo CD starts one when everything of the one before is healthy."""
_WAVES = {
    "Namespace": _FOUNDATION,
    "StatefulSet": _DATA,
    "Job": _JOBS,
    "Deployment": _SERVING,
    "CronJob": _EDGE,
    "Ingress": _EDGE,
    # Degraded, and so the end of the sync, until its pods have metrics: the retry after it then finds nothing undone.
    "HorizontalPodAutoscaler": _SCALING,
}


def with_waves(objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The objects in the order of a rollout: data, then migrations, then what serves; data is marked to stay."""
    return [_annotated(item, _wave(item, objects)) for item in objects]


def _wave(item: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> int:
    if item["kind"] != "PersistentVolumeClaim":
        return _WAVES.get(str(item["kind"]), _STANDING)
    # A claim can wait for its first pod and is not healthy until then: in an earlier wave it would wait for ever.
    users = [_wave(user, objects) for user in objects if item["metadata"]["name"] in set(_claims(user))]
    return min(users, default=_EDGE)


def _claims(item: Mapping[str, Any]) -> Iterator[str]:
    spec = item.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
    for volume in template.get("spec", {}).get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _annotated(item: Mapping[str, Any], wave: int) -> dict[str, Any]:
    added = {WAVE: str(wave)}
    if item["kind"] in ("PersistentVolumeClaim", "Namespace"):
        added[OPTIONS] = KEPT
    metadata = item["metadata"]
    return {**item, "metadata": {**metadata, "annotations": metadata.get("annotations", {}) | added}}
