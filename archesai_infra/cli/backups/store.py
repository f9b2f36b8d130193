"""Velero's objects of a stack in its cluster: backups, restores, the bucket's state, and the dumps on their volume."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import api_version
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.text import moment, one_line
from archesai_infra.components.backups import dump, schedules, scripts
from archesai_infra.stack.backups import dumps
from archesai_infra.stack.config import load
from archesai_infra.stack.settings import Settings

POLL_SECONDS = 2
_BACKUP_LABEL = "velero.io/backup-name"
_GOOD = "Completed"
_ENDED = {_GOOD, "PartiallyFailed", "Failed", "FailedValidation"}


@dataclass(frozen=True)
class StoredDump:
    """A dump on the dump pod's volume."""

    module: str
    name: str
    """When it began, in UTC."""
    bytes: int


@dataclass(frozen=True)
class Store:
    """Where a stack's backups are."""

    cluster: Cluster
    stack: str
    settings: Settings

    @property
    def namespace(self) -> str:
        """Velero's namespace."""
        return self.settings.backups.velero.namespace

    @property
    def place(self) -> str:
        """Options of kubectl for the stack's namespace in its cluster."""
        return f"--context {self.cluster.context} --namespace {self.settings.namespace}"

    def path(self, kind: str, name: str = "") -> str:
        """Path of Velero's objects of a kind, or of one of them."""
        return path_of(kind, self.namespace, name)

    def backups(self) -> list[Object]:
        """The stack's backups, the newest first."""
        listed = self.cluster.list(self.path("Backup"), labels=f"{schedules.STACK_LABEL}={self.stack}")
        return sorted(listed, key=lambda backup: str(backup["metadata"].get("creationTimestamp")), reverse=True)

    def backup(self, name: str) -> Object:
        """A backup by name; `latest` is the newest one that holds what it should. Raises CommandError."""
        if name == "latest":
            # A stack that was just recreated, to be restored into, makes good backups of nothing.
            full = sorted(self.backups(), key=lambda backup: not contents(backup))
            good = [backup for backup in full if not problems(backup, self.volumes(backup))]
            if not good:
                raise CommandError(
                    "this stack has no good backup: see `arches backup list`; "
                    "a new Velero takes a minute to find those of the bucket",
                    Exit.INPUT,
                )
            return good[0]
        named = self.cluster.find(self.path("Backup", name))
        if named is None:
            names = ", ".join(backup["metadata"]["name"] for backup in self.backups()[:5]) or "none"
            raise CommandError(f"there is no backup {name}; the newest are: {names}", Exit.INPUT)
        return named

    def volumes(self, backup: Object) -> list[Object]:
        """The copies of volumes that a backup holds."""
        name = backup["metadata"]["name"]
        return self.cluster.list(self.path("PodVolumeBackup"), labels=f"{_BACKUP_LABEL}={name[:63]}")

    def check_location(self) -> None:
        """Raise CommandError where the bucket does not answer."""
        location = self.cluster.find(self.path("BackupStorageLocation", schedules.LOCATION))
        if location is None:
            raise CommandError(
                f"namespace {self.namespace} has no backup location {schedules.LOCATION}: run `arches up` first",
                Exit.FOUND,
            )
        status = location.get("status", {})
        if status.get("phase") != "Available":
            reason = status.get("message") or "Velero has not checked it yet"
            raise CommandError(f"the backups' bucket cannot be used: {one_line(reason)}", Exit.FOUND)

    def dumps(self, namespace: str | None = None) -> list[StoredDump]:
        """The dumps on the volume of the dump pod, the oldest first; raises CommandError."""
        modules = dumps(self.settings)
        if not modules:
            return []
        done = self.cluster.execute(
            namespace or self.settings.namespace,
            dump.POD,
            scripts.run("list.sh"),
            container=schedules.CONTAINERS[modules[0]],
        )
        if done.status:
            raise CommandError(f"the dump pod cannot list its dumps: {done.error.strip()}", Exit.FOUND)
        rows = [line.split() for line in done.output.splitlines()]
        return [StoredDump(module, name, int(size)) for module, name, size in rows]

    def create(self, kind: str, name: str, spec: Object, labels: dict[str, str]) -> Object:
        """Create one of Velero's objects."""
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        body = {"apiVersion": api_version(kind), "kind": kind, "metadata": metadata, "spec": spec}
        return self.cluster.send("POST", self.path(kind), body).body

    def wait(self, kind: str, name: str, seconds: float, say: Callable[[str], None]) -> Object:
        """Wait until Velero is done with an object; raises CommandError when the time is over."""
        deadline = time.monotonic() + seconds
        last = ""
        while True:
            live = self.cluster.get(self.path(kind, name))
            line = progress(live)
            if line != last:
                say(f"{name}: {line}")
                last = line
            if live.get("status", {}).get("phase") in _ENDED:
                return live
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{name} has not ended within {seconds:.0f} s ({line}); it continues in the cluster: "
                    f"kubectl --context {self.cluster.context} --namespace {self.namespace} get {kind.lower()} {name}",
                    Exit.TIMEOUT,
                )
            time.sleep(POLL_SECONDS)


@contextmanager
def open_store(stack: str) -> Generator[Store]:
    """The store of a stack file's stack; raises ConfigError, CommandError and ClusterError."""
    settings, _ = load(read_stack(stack))
    if not settings.backups.enabled:
        raise CommandError(f"stack {stack} has no backups: arches config set backups.enabled true", Exit.INPUT)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        yield Store(cluster, stack, settings)


def progress(live: Object) -> str:
    """What Velero has done so far, in a few words."""
    status = live.get("status", {})
    phase = str(status.get("phase") or "New")
    counts = status.get("progress", {})
    done = counts.get("itemsBackedUp", counts.get("itemsRestored"))
    return f"{phase}, {done or 0} of {counts['totalItems']} objects" if counts.get("totalItems") else phase


def problems(backup: Object, volumes: list[Object]) -> list[str]:
    """Why a backup does not hold what it should; empty where it does.

    Velero calls a backup complete whose hook met no pod, and its command line ends with 0 on one that failed in part.
    """
    status = backup.get("status", {})
    phase = status.get("phase") or "New"
    reasons: list[str] = []
    if phase != _GOOD:
        why = status.get("failureReason") or "; ".join(status.get("validationErrors", []))
        reasons.append(f"phase is {phase}" + (f": {why}" if why else ""))
    errors, hooks = int(status.get("errors", 0)), status.get("hookStatus", {})
    if errors:
        reasons.append(f"{errors} errors")
    if hooks.get("hooksFailed"):
        reasons.append(f"{hooks['hooksFailed']} of {hooks.get('hooksAttempted')} dumps failed")
    wanted = contents(backup)
    if wanted and int(hooks.get("hooksAttempted", 0)) < len(wanted):
        attempted = int(hooks.get("hooksAttempted", 0))
        reasons.append(f"{attempted} of {len(wanted)} dumps ran: is the pod {dump.POD} there?")
    copied = [volume for volume in volumes if volume.get("status", {}).get("phase") == _GOOD]
    if wanted and not any(volume["spec"].get("volume") == dump.VOLUME for volume in copied):
        reasons.append("the dumps' volume is not in it")
    return reasons


def contents(backup: Object) -> tuple[str, ...]:
    """The modules whose dumps a backup is made with."""
    label = str(backup["metadata"].get("labels", {}).get(schedules.CONTENT_LABEL, ""))
    return tuple(part for part in label.split(".") if part in schedules.CONTAINERS)


def copied_bytes(volumes: list[Object]) -> int:
    """Bytes of the volumes in a backup, before compression and without what earlier ones share."""
    return sum(int(volume.get("status", {}).get("progress", {}).get("totalBytes", 0)) for volume in volumes)


def dump_moment(name: str) -> datetime:
    """The time in a dump's name."""
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def dump_of(backup: Object, module: str, dumps: list[StoredDump]) -> StoredDump | None:
    """The dump that was made for a backup: the newest one between its start and its end."""
    status = backup.get("status", {})
    if not status.get("startTimestamp"):
        return None
    start, ended = moment(status["startTimestamp"]), status.get("completionTimestamp")
    end = moment(ended) if ended else datetime.now(UTC)
    fitting = [stored for stored in dumps if stored.module == module and start <= dump_moment(stored.name) <= end]
    return max(fitting, key=lambda stored: stored.name) if fitting else None


def expired(backup: Object, now: datetime) -> bool:
    """Whether Velero deletes a backup, or will as soon as it looks."""
    status = backup.get("status", {})
    end = status.get("expiration")
    return status.get("phase") == "Deleting" or (bool(end) and moment(end) <= now)


def stamp() -> str:
    """Now, as part of an object's name."""
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S")


def say(line: str) -> None:
    """Progress: one line for each change, so that a log reads like a screen."""
    typer.echo(line, err=True)


def valid_name(name: str) -> bool:
    """Whether Kubernetes takes it for a namespace."""
    return re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) is not None
