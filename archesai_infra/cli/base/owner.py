"""Whose a namespace is."""

from __future__ import annotations

from collections.abc import Mapping

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.kinds import path
from archesai_infra.kube.labels import INSTANCE


def stack_of(item: Object) -> str | None:
    """The stack that made an object of the cluster, by its label; None where no stack did."""
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return labels.get(INSTANCE)


def owner_of(cluster: Cluster, namespace: str) -> str | None:
    """The stack that made a namespace; None where no stack did or there is no such namespace. Raises ClusterError."""
    found = cluster.find(path("Namespace", name=namespace))
    return stack_of(found) if found else None
