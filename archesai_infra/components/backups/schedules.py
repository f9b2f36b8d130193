"""Velero's Schedules: what a backup holds, what runs before it, how long it is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.kinds import SECRETS, saved
from archesai_infra.components.backups.settings import MODULE, BackupsSettings, Schedule
from archesai_infra.kube.labels import APPLICATION, MANAGED_BY, selector

LOCATION = "default"
POLICY_KEY = "policy.yaml"
STACK_LABEL = "archesai.com/stack"
CONTENT_LABEL = "archesai.com/content"
"""Label of a backup: the modules whose dumps it holds, joined by dots."""
CONTAINERS = {"database": "postgres", "redis": "redis"}
"""Container of the dump pod by module."""
TIMEOUT_VARIABLE = "DUMP_TIMEOUT"


def names(instance: str, settings: BackupsSettings) -> dict[str, tuple[str, Schedule]]:
    """Name and settings of each Schedule that is on, by the name it has in the stack file."""
    schedules = settings.schedules
    kinds = {"hourly": schedules.hourly, "daily": schedules.daily, "weekly": schedules.weekly}
    return {kind: (f"{APPLICATION}-{instance}-{kind}", found) for kind, found in kinds.items() if found.enabled}


def canonical(duration: str) -> str:
    """A duration as Go prints it, so that the server's copy never differs: 720h is 720h0m0s."""
    hours, minutes, seconds = (
        int(found[1]) if (found := re.search(rf"(\d+){unit}", duration)) else 0 for unit in "hms"
    )
    minutes, seconds = minutes + seconds // 60, seconds % 60
    hours, minutes = hours + minutes // 60, minutes % 60
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def hooks(instance: str, namespace: str, settings: BackupsSettings, modules: Sequence[str]) -> list[dict[str, Any]]:
    """The dumps, one after the other, before the dump pod's volume is copied.

    Without `onError`, Velero continues as if the dump had succeeded.
    """
    pre = [
        {
            "exec": {
                "container": CONTAINERS[module],
                "command": scripts.run(f"dump-{module}.sh", TIMEOUT_VARIABLE),
                "onError": "Fail",
                "timeout": canonical(f"{settings.dump.hook_timeout}s"),
            }
        }
        for module in modules
    ]
    if not pre:
        return []
    found = {
        "name": "dump",
        "includedNamespaces": [namespace],
        "labelSelector": {"matchLabels": selector(MODULE, instance)},
        "pre": pre,
    }
    return [found]


def schedule_spec(
    instance: str, namespace: str, settings: BackupsSettings, schedule: Schedule, policy: str, modules: Sequence[str]
) -> dict[str, Any]:
    """The spec of a Schedule.

    `skipImmediately` stays out: Velero writes it back and the next preview would see a change.
    """
    template: dict[str, Any] = {
        "metadata": {"labels": {STACK_LABEL: instance, CONTENT_LABEL: ".".join(modules) or "objects"}},
        "includedNamespaces": [namespace],
        # Velero lists each kind that a backup may hold, and has rights on these alone.
        "includedResources": saved(secrets=settings.secrets),
        **({} if settings.secrets else {"excludedResources": [SECRETS]}),
        "ttl": canonical(schedule.ttl),
        "storageLocation": LOCATION,
        "defaultVolumesToFsBackup": False,
        "snapshotVolumes": settings.snapshots.enabled,
        "resourcePolicy": {"kind": "configmap", "name": policy},
        "hooks": {"resources": hooks(instance, namespace, settings, modules)},
    }
    if settings.snapshots.enabled:
        template["snapshotMoveData"] = settings.snapshots.move_data
        template["volumeSnapshotLocations"] = [LOCATION]
    # The Schedule's end must not be the backups' end.
    return {
        "schedule": schedule.cron,
        "paused": settings.schedules.paused,
        "useOwnerReferencesInBackup": False,
        "template": template,
    }


def resource_policy(*, snapshots: bool, operators: Sequence[str] = ()) -> str:
    """Which volumes are copied, and how: a file copy of a live data directory is no backup.

    Only the dumps' volume is copied file by file. The others are skipped, or taken by an atomic snapshot; those of
    clusters are always skipped, by the name that their operator labels them with.
    """
    live = {"type": "snapshot" if snapshots else "skip"}
    managed = [{"conditions": {"pvcLabels": {MANAGED_BY: name}}, "action": {"type": "skip"}} for name in operators]
    policies = [
        *managed,
        {"conditions": {"pvcLabels": {"app.kubernetes.io/component": MODULE}}, "action": {"type": "fs-backup"}},
        {"conditions": {"pvcLabels": {"app.kubernetes.io/name": APPLICATION}}, "action": live},
    ]
    return yaml.safe_dump({"version": "v1", "volumePolicies": policies}, sort_keys=False)
