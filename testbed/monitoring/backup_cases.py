"""For each alert of the backups: series that must fire it, what it then says, and series that must not.

promtool's clock begins at 0, so what happened before has a time below it.
"""

from __future__ import annotations

from testbed.monitoring.case import Case

_DUMP = 'kube_statefulset_status_replicas_ready{namespace="archesai",statefulset="archesai-dump"}'
_CLAIM = '{namespace="archesai",persistentvolumeclaim="archesai-dump-data"}'
_FREE, _USED = (f"kubelet_volume_stats_{what}_bytes{_CLAIM}" for what in ("available", "used"))
_NOT_DUMPING = "No pod dumps the databases: new backups hold no content."
_AT = 1200
"""Seconds from the beginning to the moment of a case."""
_HOUR = 3600
_DAY = 24 * _HOUR
_KINDS = ("hourly", "daily", "weekly")
_LIMITS = {"hourly": 2 * _HOUR, "daily": 26 * _HOUR, "weekly": 7 * 24 * _HOUR + 2 * _HOUR}
_SAID = {"hourly": "2h 30m 0s", "daily": "1d 2h 30m 0s", "weekly": "7d 2h 30m 0s"}


def _ago(seconds: int, *, samples: int = 30) -> str:
    """A time that is so long ago at the moment of a case."""
    return f"{_AT - seconds}x{samples}"


def _succeeded(kind: str) -> str:
    return f'velero_backup_last_successful_timestamp{{schedule="archesai-dev-{kind}"}}'


def _stale(kind: str) -> Case:
    return Case(
        {_succeeded(kind): _ago(_LIMITS[kind] + 1800)},
        {
            _succeeded(kind): _ago(_LIMITS[kind]),
            'velero_backup_last_successful_timestamp{schedule="theirs"}': _ago(_DAY),
        },
        {},
        f"The last good {kind} backup was {_SAID[kind]} ago.",
    )


def _failed(kind: str, what: str) -> Case:
    """One of three counters moves; Velero makes all three when it meets a Schedule."""
    every = ("partial_failure", "failure", "validation_failure")
    counters = {one: f'velero_backup_{one}_total{{schedule="archesai-dev-{kind}"}}' for one in every}
    still = dict.fromkeys(counters.values(), "3x30")
    return Case(still | {counters[what]: "0x5 1x25"}, still, {}, f"The {kind} backup failed, whole or in part.")


def _job(name: str, limit: int, ago: str) -> Case:
    within = f'{{namespace="archesai",cronjob="{name}"}}'
    succeeded, created = (f"kube_cronjob_{what}{within}" for what in ("status_last_successful_time", "created"))
    return Case(
        {succeeded: _ago(limit + 1800), created: _ago(90 * _DAY)},
        {succeeded: _ago(limit), created: _ago(90 * _DAY)},
        {},
        f"{name} succeeded {ago} ago for the last time.",
    )


def _never(name: str, limit: int, ago: str) -> Case:
    """A job that never succeeded counts from when it was made."""
    created = f'kube_cronjob_created{{namespace="archesai",cronjob="{name}"}}'
    text = f"{name} succeeded {ago} ago for the last time."
    return Case({created: _ago(limit + 1800)}, {created: _ago(limit)}, {}, text)


def _missing(kind: str) -> Case:
    """A Schedule without a good backup for longer than its interval; one that makes its first in time is silent."""
    minutes = _LIMITS[kind] // 60
    others = {_succeeded(one): f"1x{minutes + 60}" for one in _KINDS if one != kind}
    in_time = others | {_succeeded(kind): f"_x{minutes - 10} 1x70"}
    labels = {"schedule": f"archesai-dev-{kind}"}
    return Case(others, in_time, labels, f"archesai-dev-{kind} has not made a good backup yet.", at=f"{minutes + 30}m")


_OBJECTS = ("archesai-backups-objects", 6 * _HOUR, "6h 30m 0s")
_DRILL = ("archesai-backups-drill", 2 * _DAY, "2d 0h 30m 0s")

BACKUP_CASES: dict[str, Case] = {
    "BackupLocationUnavailable": Case(
        {'velero_backup_location_status_gauge{backup_location_name="default"}': "0x30"},
        {
            'velero_backup_location_status_gauge{backup_location_name="default"}': "0x10 1x20",
            'velero_backup_location_status_gauge{backup_location_name="theirs"}': "0x30",
        },
        {},
        "The backups' bucket cannot be used.",
    ),
    "BackupDumpVolumeTooSmall": Case(
        {_FREE: f"{10 * 2**30}x180", _USED: f"{20 * 2**30}x180"},
        {_FREE: f"{12 * 2**30}x180", _USED: f"{20 * 2**30}x180"},
        {"namespace": "archesai", "persistentvolumeclaim": "archesai-dump-data"},
        "The dumps' volume has 10GiB left, and the next dump needs more.",
        at="125m",
    ),
    "BackupDumpPodNotReady, not ready": Case(
        {_DUMP: "0x30"}, {_DUMP: "0x10 1x20"}, {"namespace": "archesai", "statefulset": "archesai-dump"}, _NOT_DUMPING
    ),
    "BackupDumpPodNotReady, not there": Case(
        {}, {_DUMP: "1x30"}, {"namespace": "archesai", "statefulset": "archesai-dump"}, _NOT_DUMPING
    ),
    **{f"Backup{kind.capitalize()}Stale": _stale(kind) for kind in _KINDS},
    **{
        f"Backup{kind.capitalize()}Failed, {what}": _failed(kind, what)
        for kind in _KINDS
        for what in ("partial_failure", "failure", "validation_failure")
    },
    **{f"Backup{kind.capitalize()}Missing": _missing(kind) for kind in _KINDS},
    "BackupObjectsStale": _job(*_OBJECTS),
    "BackupObjectsStale, never": _never(*_OBJECTS),
    "BackupDrillStale": _job(*_DRILL),
    "BackupDrillStale, never": _never(*_DRILL),
}
