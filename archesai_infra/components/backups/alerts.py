"""When backups need a person: Prometheus' alerting rules as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archesai_infra.components.backups import drill, dump, objects, schedules

if TYPE_CHECKING:
    from archesai_infra.components.backups.settings import BackupsSettings

DAY = 86400


def rules(
    settings: BackupsSettings, instance: str, namespace: str, *, copies: bool, drills: bool
) -> list[dict[str, Any]]:
    """Rules on the metrics of Velero and of kube-state-metrics.

    Velero's own success says nothing of a hook that met no pod: the dump pod's readiness and the drill do.
    """
    within = f'namespace="{namespace}"'
    found = [
        _rule(
            "BackupLocationUnavailable",
            'min(velero_backup_location_status_gauge{backup_location_name="default"}) == 0',
            "15m",
            "The backups' bucket does not answer",
        ),
        _rule(
            "BackupDumpPodNotReady",
            f'(kube_statefulset_status_replicas_ready{{{within}, statefulset="{dump.NAME}"}} < 1) '
            f'or absent(kube_statefulset_status_replicas_ready{{{within}, statefulset="{dump.NAME}"}})',
            "15m",
            "No pod dumps the database: backups hold no content",
        ),
    ]
    for kind, (name, _) in schedules.names(instance, settings).items():
        found += _schedule(kind, name)
    for on, name, alert, age in (
        (copies, objects.NAME, "BackupObjectsStale", DAY // 4),
        (drills, drill.NAME, "BackupDrillStale", 2 * DAY),
    ):
        if on:
            found.append(_stale_job(alert, within, name, age))
    return found


def _schedule(kind: str, name: str) -> list[dict[str, Any]]:
    limit = {"hourly": 7200, "daily": DAY + 7200, "weekly": 7 * DAY + 7200}[kind]
    title = f"Backup{kind.capitalize()}"
    failed = " + ".join(
        f'increase(velero_backup_{what}_total{{schedule="{name}"}}[2h])'
        for what in ("partial_failure", "failure", "validation_failure")
    )
    return [
        _rule(
            f"{title}Stale",
            f'time() - max(velero_backup_last_successful_timestamp{{schedule="{name}"}}) > {limit}',
            "10m",
            f"No good backup of schedule {name} for {limit} s",
        ),
        _rule(f"{title}Failed", f"{failed} > 0", "0m", f"A backup of schedule {name} failed in part or as a whole"),
    ]


def _stale_job(alert: str, within: str, name: str, age: int) -> dict[str, Any]:
    """The age of the last success; a job that never succeeded counts from when it was made."""
    succeeded = f'kube_cronjob_status_last_successful_time{{{within}, cronjob="{name}"}}'
    created = f'kube_cronjob_created{{{within}, cronjob="{name}"}}'
    return _rule(
        alert, f"time() - max({succeeded} or {created}) > {age}", "15m", f"{name} has not succeeded for {age} s"
    )


def _rule(alert: str, expression: str, wait: str, summary: str) -> dict[str, Any]:
    return {
        "alert": alert,
        "expr": expression,
        "for": wait,
        "labels": {"severity": "critical"},
        "annotations": {"summary": summary},
    }
