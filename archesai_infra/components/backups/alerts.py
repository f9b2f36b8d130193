"""When backups need a person: alerts on the metrics of Velero and of kube-state-metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archesai_infra.components.backups import archive_drill, drill, dump, objects, schedules
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.watch.alerts import Alert
from archesai_infra.cron import longest_pause, stale_after


def _job_stale_after(cron: str, timeout: int) -> int:
    """The same of a job that may fail once, or take all of its time."""
    return max(2 * int(longest_pause(cron).total_seconds()), timeout)


@dataclass(frozen=True)
class Watched:
    """What the alerts follow from: the settings, and what of a stack is backed up."""

    settings: BackupsSettings
    namespace: str
    """Namespace of the stack."""
    instance: str
    """Name of the stack."""
    dumps: bool
    """Whether a pod dumps databases."""
    objects: bool
    """Whether the object storage's bucket is copied."""
    drill: bool
    """Whether the newest dump is restored for a test."""
    archive_drill: bool
    """Whether the database's archive is recovered from for a test."""


def alerts(watched: Watched) -> tuple[Alert, ...]:
    """Alerts for what the stack has.

    Velero's own success says nothing of a hook that met no pod: the dump pod's readiness and the drill do.
    """
    return tuple(_alerts(watched))


def _alerts(watched: Watched) -> Iterator[Alert]:
    within, own = f'namespace="{watched.namespace}"', watched.settings
    location = f'velero_backup_location_status_gauge{{backup_location_name="{schedules.LOCATION}"}}'
    yield Alert(
        "BackupLocationUnavailable", f"min({location}) == 0", "critical", "The backups' bucket cannot be used.", "15m"
    )
    if watched.dumps:
        ready = f'kube_statefulset_status_replicas_ready{{{within}, statefulset="{dump.NAME}"}}'
        text = "No pod dumps the databases: new backups hold no content."
        yield Alert("BackupDumpPodNotReady", f"{ready} < 1 or absent({ready})", "critical", text, "15m")
        yield _no_room_for_the_next_dump(within, watched.settings.dump.keep)
    yield from _scheduled(watched)
    if watched.objects:
        yield _stale_job(
            "BackupObjectsStale", within, objects.NAME, _job_stale_after(own.objects.cron, own.objects.timeout)
        )
    if watched.drill:
        yield _stale_job("BackupDrillStale", within, drill.NAME, _job_stale_after(own.drill.cron, own.drill.timeout))
    if watched.archive_drill:
        limit = _job_stale_after(own.drill.cron, own.drill.timeout)
        yield _stale_job("BackupArchiveDrillStale", within, archive_drill.NAME, limit)


def _no_room_for_the_next_dump(within: str, keep: int) -> Alert:
    """The next dump is about as large as each of those that are kept; one that fails keeps the older ones."""
    claim = f'{{{within}, persistentvolumeclaim="{dump.CLAIM}"}}'
    free, used = f"kubelet_volume_stats_available_bytes{claim}", f"kubelet_volume_stats_used_bytes{claim}"
    text = "The dumps' volume has {{ $value | humanize1024 }}B left, and the next dump needs more."
    # Two hours: a dump that is being made takes the room that it found.
    return Alert("BackupDumpVolumeTooSmall", f"{free} < 1.1 * {used} / {keep}", "warning", text, "2h")


def _scheduled(watched: Watched) -> Iterator[Alert]:
    for kind, (name, settings) in schedules.names(watched.instance, watched.settings).items():
        schedule, limit = f'schedule="{name}"', stale_after(settings.cron)
        title = f"Backup{kind.capitalize()}"
        age = f"time() - max(velero_backup_last_successful_timestamp{{{schedule}}})"
        text = f"The last good {kind} backup was {{{{ $value | humanizeDuration }}}} ago."
        yield Alert(f"{title}Stale", f"{age} > {limit}", "critical", text, "10m")
        # Without any good backup there is no age, and a new Schedule first runs at its next time.
        never = f"absent(velero_backup_last_successful_timestamp{{{schedule}}})"
        text = "{{ $labels.schedule }} has not made a good backup yet."
        yield Alert(f"{title}Missing", never, "critical", text, f"{limit}s")
        failures = " + ".join(
            f"sum(increase(velero_backup_{what}_total{{{schedule}}}[2h]))"
            for what in ("partial_failure", "failure", "validation_failure")
        )
        yield Alert(f"{title}Failed", f"{failures} > 0", "warning", f"The {kind} backup failed, whole or in part.")


def _stale_job(name: str, within: str, job: str, seconds: int) -> Alert:
    """The age of a job's last success; one that never succeeded counts from when it was made."""
    succeeded = f'kube_cronjob_status_last_successful_time{{{within}, cronjob="{job}"}}'
    created = f'kube_cronjob_created{{{within}, cronjob="{job}"}}'
    text = f"{job} succeeded {{{{ $value | humanizeDuration }}}} ago for the last time."
    return Alert(name, f"time() - max({succeeded} or {created}) > {seconds}", "critical", text, "15m")
