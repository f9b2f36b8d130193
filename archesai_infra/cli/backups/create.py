"""Make a backup now, and do not believe it until it is proved."""

from __future__ import annotations

from dataclasses import dataclass, field

from archesai_infra.cli.backups.store import Store, copied_bytes, dump_of, problems, say, stamp
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.components.backups import schedules
from archesai_infra.stack.backups import dumps


@dataclass(frozen=True)
class Result:
    """A backup that has ended."""

    name: str
    phase: str
    bytes: int
    dumps: dict[str, str]
    """Name of the dump by module."""
    problems: list[str] = field(default_factory=list[str])
    """Why it is no backup; empty where it is one."""


def start(store: Store) -> str:
    """Ask Velero for a backup as the first Schedule makes them, and return its name; raises CommandError."""
    store.check_location()
    names = schedules.names(store.stack, store.settings.backups)
    if not names:
        raise CommandError("no schedule is on: set backups.schedules.hourly.enabled to true", Exit.INPUT)
    schedule = next(iter(names.values()))[0]
    found = store.cluster.find(store.path("schedules", schedule))
    if found is None:
        raise CommandError(f"namespace {store.namespace} has no Schedule {schedule}: run `arches up` first", Exit.FOUND)
    spec: Object = dict(found["spec"]["template"])
    metadata = spec.pop("metadata", {})
    name = f"{schedules.APPLICATION}-{store.stack}-now-{stamp()}"
    store.create("Backup", "backups", name, spec, dict(metadata.get("labels", {})))
    return name


def finish(store: Store, name: str, seconds: float) -> Result:
    """Wait for a backup and prove it: its phase, its hooks, its volume, and a dump that is newer than its start."""
    backup = store.wait("backups", name, seconds, say)
    volumes = store.volumes(backup)
    found = problems(backup, volumes)
    made: dict[str, str] = {}
    modules = dumps(store.settings)
    stored = store.dumps() if modules and not found else []
    for module in modules:
        dump = dump_of(backup, module, stored)
        if dump is not None:
            made[module] = dump.name
        elif not found:
            found.append(f"there is no dump of {module} that is newer than the backup's start")
    return Result(name, str(backup["status"].get("phase")), copied_bytes(volumes), made, found)
