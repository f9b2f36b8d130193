"""Velero's objects of a stack in its cluster: backups, restores, the bucket's state, and the dumps on their volume."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from archesai_infra.cli.base.cluster import Cluster, Object, connect
from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.cli.base.options import read_stack
from archesai_infra.components.backups import dump, schedules, scripts
from archesai_infra.stack.backups import dumps
from archesai_infra.stack.config import load
from archesai_infra.stack.settings import Settings

API = "velero.io/v1"
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

    def path(self, kind: str, name: str = "") -> str:
        """Path of a collection of Velero's, or of one object in it."""
        collection = f"/apis/{API}/namespaces/{self.namespace}/{kind}"
        return f"{collection}/{name}" if name else collection

    def backups(self) -> list[Object]:
        """The stack's backups, the newest first."""
        found = self.cluster.list(self.path("backups"), labels=f"{schedules.STACK_LABEL}={self.stack}")
        return sorted(found, key=lambda one: str(one["metadata"].get("creationTimestamp")), reverse=True)

    def backup(self, name: str) -> Object:
        """A backup by name; `latest` is the newest one that holds what it should. Raises CommandError."""
        if name == "latest":
            # A stack that was just made anew, to be restored into, makes good backups of nothing.
            full = sorted(self.backups(), key=lambda one: not contents(one))
            good = [one for one in full if not problems(one, self.volumes(one))]
            if not good:
                raise CommandError(
                    "there is no good backup of this stack: see `arches backups`; "
                    "a Velero that is new here takes a minute to find those of the bucket",
                    Exit.INPUT,
                )
            return good[0]
        found = self.cluster.find(self.path("backups", name))
        if found is None:
            names = ", ".join(one["metadata"]["name"] for one in self.backups()[:5]) or "none"
            raise CommandError(f"there is no backup {name}; the newest are: {names}", Exit.INPUT)
        return found

    def volumes(self, backup: Object) -> list[Object]:
        """The copies of volumes that a backup holds."""
        name = backup["metadata"]["name"]
        return self.cluster.list(self.path("podvolumebackups"), labels=f"{_BACKUP_LABEL}={name[:63]}")

    def check_location(self) -> None:
        """Raise CommandError where the bucket does not answer."""
        found = self.cluster.find(self.path("backupstoragelocations", schedules.LOCATION))
        if found is None:
            raise CommandError(
                f"namespace {self.namespace} has no backup location {schedules.LOCATION}: run `arches up` first",
                Exit.FOUND,
            )
        status = found.get("status", {})
        if status.get("phase") != "Available":
            said = status.get("message") or "it has not been looked at yet"
            raise CommandError(f"the backups' bucket cannot be used: {' '.join(str(said).split())}", Exit.FOUND)

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

    def create(self, kind: str, plural: str, name: str, spec: Object, labels: dict[str, str]) -> Object:
        """Make an object of Velero's."""
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        body = {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}
        return self.cluster.send("POST", self.path(plural), body).body

    def wait(self, plural: str, name: str, seconds: float, say: Callable[[str], None]) -> Object:
        """Wait until Velero is done with an object; raises CommandError when the time is over."""
        deadline = time.monotonic() + seconds
        last = ""
        while True:
            found = self.cluster.get(self.path(plural, name))
            line = progress(found)
            if line != last:
                say(f"{name}: {line}")
                last = line
            if found.get("status", {}).get("phase") in _ENDED:
                return found
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{name} has not ended within {seconds:.0f} s ({line}); it goes on in the cluster: "
                    f"kubectl --namespace {self.namespace} get {plural} {name}",
                    Exit.TIMEOUT,
                )
            time.sleep(POLL_SECONDS)


def open_store(stack: str) -> Store:
    """The store of a stack file's stack; raises ConfigError and CommandError."""
    settings, _ = load(read_stack(stack))
    if not settings.backups.enabled:
        raise CommandError(f"stack {stack} makes no backups: set backups.enabled to true", Exit.INPUT)
    return Store(connect(settings.cluster.context, settings.cluster.kubeconfig), stack, settings)


def progress(found: Object) -> str:
    """What Velero has done so far, in a few words."""
    status = found.get("status", {})
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
    found: list[str] = []
    if phase != _GOOD:
        why = status.get("failureReason") or "; ".join(status.get("validationErrors", []))
        found.append(f"phase is {phase}" + (f": {why}" if why else ""))
    errors, hooks = int(status.get("errors", 0)), status.get("hookStatus", {})
    if errors:
        found.append(f"{errors} errors")
    if hooks.get("hooksFailed"):
        found.append(f"{hooks['hooksFailed']} of {hooks.get('hooksAttempted')} dumps failed")
    wanted = contents(backup)
    if wanted and int(hooks.get("hooksAttempted", 0)) < len(wanted):
        attempted = int(hooks.get("hooksAttempted", 0))
        found.append(f"{attempted} of {len(wanted)} dumps ran: is the pod {dump.POD} there?")
    copied = [one for one in volumes if one.get("status", {}).get("phase") == _GOOD]
    if wanted and not any(one["spec"].get("volume") == dump.VOLUME for one in copied):
        found.append("the dumps' volume is not in it")
    return found


def contents(backup: Object) -> tuple[str, ...]:
    """The modules whose dumps a backup is made with."""
    label = str(backup["metadata"].get("labels", {}).get(schedules.CONTENT_LABEL, ""))
    return tuple(part for part in label.split(".") if part in schedules.CONTAINERS)


def copied_bytes(volumes: list[Object]) -> int:
    """Bytes of the volumes in a backup, before compression and without what earlier ones share."""
    return sum(int(one.get("status", {}).get("progress", {}).get("totalBytes", 0)) for one in volumes)


def moment(text: object) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(str(text)) if text else None


def dump_moment(name: str) -> datetime:
    """The time in a dump's name."""
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def dump_of(backup: Object, module: str, dumps: list[StoredDump]) -> StoredDump | None:
    """The dump that was made for a backup: the newest one between its start and its end."""
    status = backup.get("status", {})
    start = moment(status.get("startTimestamp"))
    end = moment(status.get("completionTimestamp")) or datetime.now(UTC)
    if start is None:
        return None
    fitting = [one for one in dumps if one.module == module and start <= dump_moment(one.name) <= end]
    return max(fitting, key=lambda one: one.name) if fitting else None


def expired(backup: Object, now: datetime) -> bool:
    """Whether Velero deletes a backup, or will as soon as it looks."""
    status = backup.get("status", {})
    end = moment(status.get("expiration"))
    return status.get("phase") == "Deleting" or (end is not None and end <= now)


def stamp() -> str:
    """Now, as part of an object's name."""
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S")


def say(line: str) -> None:
    """Progress: one line for each change, so that a log reads like a screen."""
    typer.echo(line, err=True)


def duration_text(seconds: float) -> str:
    """An age in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def size_text(count: int) -> str:
    """Bytes in a unit that people read."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def valid_name(name: str) -> bool:
    """Whether Kubernetes takes it for a namespace."""
    return re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) is not None
