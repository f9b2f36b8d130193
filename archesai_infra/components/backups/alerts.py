"""When backups need a person: alerts on the metrics of Velero and of kube-state-metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archesai_infra.components.backups import drill, dump, objects, schedules
from archesai_infra.components.backups.settings import copies_objects, drills_newest, dumps
from archesai_infra.components.monitoring.rules.model import Alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archesai_infra.settings import Settings

_DAY = 86400
_STALE = {"hourly": 7200, "daily": _DAY + 7200, "weekly": 7 * _DAY + 7200}
"""Age of the last good backup from which something is wrong, in seconds."""
_OBJECTS_STALE = _DAY // 4
_DRILL_STALE = 2 * _DAY


def alerts(settings: Settings, instance: str) -> tuple[Alert, ...]:
    """Alerts for what the stack has.

    Velero's own success says nothing of a hook that met no pod: the dump pod's readiness and the drill do.
    """
    return tuple(_alerts(settings, instance))


def _alerts(settings: Settings, instance: str) -> Iterator[Alert]:
    within = f'namespace="{settings.namespace}"'
    location = f'velero_backup_location_status_gauge{{backup_location_name="{schedules.LOCATION}"}}'
    yield Alert(
        "BackupLocationUnavailable", f"min({location}) == 0", "critical", "The backups' bucket cannot be used.", "15m"
    )
    if dumps(settings):
        ready = f'kube_statefulset_status_replicas_ready{{{within}, statefulset="{dump.NAME}"}}'
        text = "No pod dumps the databases: new backups hold no content."
        yield Alert("BackupDumpPodNotReady", f"{ready} < 1 or absent({ready})", "critical", text, "15m")
    yield from _scheduled(settings, instance)
    yield _missing(settings, instance)
    if copies_objects(settings):
        yield _stale_job("BackupObjectsStale", within, objects.NAME, _OBJECTS_STALE)
    if drills_newest(settings):
        yield _stale_job("BackupDrillStale", within, drill.NAME, _DRILL_STALE)


def _scheduled(settings: Settings, instance: str) -> Iterator[Alert]:
    for kind, (name, _) in schedules.names(instance, settings.backups).items():
        schedule = f'schedule="{name}"'
        title = f"Backup{kind.capitalize()}"
        age = f"time() - max(velero_backup_last_successful_timestamp{{{schedule}}})"
        text = f"The last good {kind} backup was {{{{ $value | humanizeDuration }}}} ago."
        yield Alert(f"{title}Stale", f"{age} > {_STALE[kind]}", "critical", text, "10m")
        failures = " + ".join(
            f"sum(increase(velero_backup_{what}_total{{{schedule}}}[2h]))"
            for what in ("partial_failure", "failure", "validation_failure")
        )
        yield Alert(f"{title}Failed", f"{failures} > 0", "warning", f"The {kind} backup failed, whole or in part.")


def _missing(settings: Settings, instance: str) -> Alert:
    """Without any good backup there is no age to compare; the first one runs as soon as its Schedule is there."""
    names = (name for name, _ in schedules.names(instance, settings.backups).values())
    never = " or ".join(f'absent(velero_backup_last_successful_timestamp{{schedule="{name}"}})' for name in names)
    return Alert("BackupMissing", never, "critical", "{{ $labels.schedule }} has not made a good backup yet.", "2h")


def _stale_job(name: str, within: str, job: str, seconds: int) -> Alert:
    """The age of a job's last success; one that never succeeded counts from when it was made."""
    succeeded = f'kube_cronjob_status_last_successful_time{{{within}, cronjob="{job}"}}'
    created = f'kube_cronjob_created{{{within}, cronjob="{job}"}}'
    text = f"{job} succeeded {{{{ $value | humanizeDuration }}}} ago for the last time."
    return Alert(name, f"time() - max({succeeded} or {created}) > {seconds}", "critical", text, "15m")
