"""Alerts on the object storage, where its server serves metrics."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.storage.settings import NAME


def group(namespace: str) -> Group:
    """The rules on the server's own metrics; one without metrics is watched by its pod and its volume."""
    return Group("archesai-storage", list(_alerts(namespace)))


def space_free(namespace: str) -> str:
    """Free part of the object storage's drives, 0 to 1."""
    matchers = job(NAME, namespace)
    free, total = (f"minio_cluster_capacity_usable_{part}_bytes{{{matchers}}}" for part in ("free", "total"))
    return f"{free} / {total}"


def _alerts(namespace: str) -> Iterator[Alert]:
    yield Alert(
        "StorageDriveOffline",
        f"minio_cluster_drive_offline_total{{{job(NAME, namespace)}}} > 0",
        "critical",
        "The object storage cannot use {{ $value }} of its drives.",
        "2m",
    )
    yield Alert(
        "StorageNearlyFull",
        f"{space_free(namespace)} < 0.2",
        "warning",
        "The object storage has {{ $value | humanizePercentage }} of its space left.",
        "15m",
    )
