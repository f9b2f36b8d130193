"""Create a backup now, and verify it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import typer

from archesai_infra.cli.backups.store import Store, copied_bytes, dump_of, open_store, problems, say, stamp
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.text import size
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
    """Why it is not good; empty where it is."""


def create(stack: str, *, wait: bool, timeout: float, json: bool) -> None:
    """Create a backup and print its name, or with `wait` what it holds; raises CommandError where it is not good."""
    with open_store(stack) as store:
        name = start(store)
        if not wait:
            if json:
                print_json({"name": name})
            else:
                typer.echo(name)
            return
        result = _finished(store, name, timeout)
    if json:
        print_json(asdict(result))
    else:
        dumps = ", ".join(f"{module} {dump}" for module, dump in result.dumps.items()) or "no dump"
        typer.echo(f"{result.name}: {result.phase}, {size(result.bytes)}, {dumps}")
    if result.problems:
        for problem in result.problems:
            typer.echo(f"error: {name} is not a good backup: {problem}", err=True)
        raise typer.Exit(Exit.FOUND)


def _finished(store: Store, name: str, seconds: float) -> Result:
    try:
        return finish(store, name, seconds)
    except KeyboardInterrupt:
        raise CommandError(
            f"interrupted: backup {name} continues in the cluster: arches backup list --stack {store.stack}",
            Exit.INTERRUPTED,
        ) from None


def start(store: Store) -> str:
    """Ask Velero for a backup like those of the first Schedule, and return its name; raises CommandError."""
    store.check_location()
    names = schedules.names(store.stack, store.settings.backups)
    if not names:
        raise CommandError("no schedule is on: arches config set backups.schedules.hourly.enabled true", Exit.INPUT)
    schedule = next(iter(names.values()))[0]
    live = store.cluster.find(store.path("Schedule", schedule))
    if live is None:
        raise CommandError(f"namespace {store.namespace} has no Schedule {schedule}: run `arches up` first", Exit.FOUND)
    spec: Object = dict(live["spec"]["template"])
    metadata = spec.pop("metadata", {})
    name = f"{schedules.APPLICATION}-{store.stack}-now-{stamp()}"
    store.create("Backup", name, spec, dict(metadata.get("labels", {})))
    return name


def finish(store: Store, name: str, seconds: float) -> Result:
    """Wait for a backup and verify its phase, its hooks, its volume, and that each dump is newer than its start."""
    backup = store.wait("Backup", name, seconds, say)
    volumes = store.volumes(backup)
    reasons = problems(backup, volumes)
    made: dict[str, str] = {}
    modules = dumps(store.settings)
    stored = store.dumps() if modules and not reasons else []
    for module in modules:
        dump = dump_of(backup, module, stored)
        if dump is not None:
            made[module] = dump.name
        elif not reasons:
            reasons.append(f"there is no dump of {module} that is newer than the backup's start")
    return Result(name, str(backup["status"].get("phase")), copied_bytes(volumes), made, reasons)
