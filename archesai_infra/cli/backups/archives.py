"""The archives of the database's clusters: how far back a recovery reaches, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from archesai_infra.cli.backups.store import Store
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.text import duration, moment, one_line
from archesai_infra.components.database.cluster.archive.objects import STORE, archive_name
from archesai_infra.components.database.cluster.network import CLUSTER_LABEL
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.cron import stale_after

_BASE_BACKUPS = "/apis/postgresql.cnpg.io/v1/namespaces/{}/backups"


def archives(store: Store, now: datetime) -> list[Object]:
    """The archives of a stack's bucket that the plugin knows, those of the present clusters first."""
    own = store.settings.database_cluster
    if own is None or not own.archive.enabled:
        return []
    place = store.settings.namespace
    live = store.cluster.find(path_of("ObjectStore", place, STORE)) or {}
    windows: Mapping[str, Object] = live.get("status", {}).get("serverRecoveryWindow") or {}
    present = {archive_name(cluster): cluster for cluster in own.all}
    names = [*present, *sorted(windows.keys() - present.keys())]
    return [_describe(store, name, windows.get(name, {}), present.get(name), now) for name in names]


def archive_cells(archive: Object) -> list[str]:
    """A row of the list."""
    newest = archive["newestSeconds"]
    return [
        str(archive["name"]),
        str(archive["cluster"] or "-"),
        str(archive["from"] or "-"),
        str(archive["baseBackups"]),
        duration(float(newest)) if newest is not None else "-",
        "; ".join(archive["problems"]) or "ok",
    ]


def _describe(store: Store, name: str, window: Object, cluster: ClusterSettings | None, now: datetime) -> Object:
    newest = window.get("lastSuccessfulBackupTime")
    found = [] if cluster is None else list(_problems(store, window, cluster, now))
    return {
        "name": name,
        "kind": "archive",
        "cluster": cluster.name if cluster is not None else None,
        "from": window.get("firstRecoverabilityPoint"),
        "baseBackups": 0 if cluster is None else _completed(store, cluster),
        "newestSeconds": round((now - moment(newest)).total_seconds()) if newest else None,
        "problems": found,
    }


def _completed(store: Store, cluster: ClusterSettings) -> int:
    path = _BASE_BACKUPS.format(store.settings.namespace)
    listed = store.cluster.list(path, labels=f"{CLUSTER_LABEL}={cluster.name}")
    return sum(backup.get("status", {}).get("phase") == "completed" for backup in listed)


def _problems(store: Store, window: Object, cluster: ClusterSettings, now: datetime) -> Iterator[str]:
    """Why a cluster could not be recovered to this moment; nothing where it could."""
    live = store.cluster.find(path_of("Cluster", store.settings.namespace, cluster.name))
    if live is None:
        yield f"Cluster {cluster.name} does not exist"
        return
    conditions = {item["type"]: item for item in live.get("status", {}).get("conditions", [])}
    archiving = conditions.get("ContinuousArchiving")
    if archiving is None:
        yield "nothing is known of the log's archive yet"
    elif archiving["status"] != "True":
        yield f"the log is not archived: {one_line(archiving.get('message') or archiving.get('reason', 'no reason'))}"
    succeeded, failed = window.get("lastSuccessfulBackupTime"), window.get("lastFailedBackupTime")
    if failed and (not succeeded or moment(failed) > moment(succeeded)):
        yield f"the newest base backup failed ({failed})"
    if not succeeded:
        yield "there is no base backup yet"
    elif (now - moment(succeeded)).total_seconds() > stale_after(cluster.archive.cron):
        yield f"the newest base backup is of {succeeded}"
