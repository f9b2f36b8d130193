"""A Job that a command runs in the stack's namespace, with its scripts and policies, from its creation to its end."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import typer

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of

POLL_SECONDS = 2
_STUCK = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError")
"""Reasons of a container that does not start by itself."""


@dataclass
class HelperJob:
    """A Job of a command; everything of it is removed in the end."""

    cluster: Cluster
    namespace: str
    name: str
    objects: Sequence[dict[str, Any]]
    """The Job and what it needs, in the order in which they are created."""
    seconds: float
    """Time until it is ready."""
    unchanged: str
    """What holds where it fails, such as `the old server is as it was`."""
    _printed: list[str] = field(default_factory=list[str])
    _unread: bool = False
    """Whether it was printed that the log cannot be read."""

    @contextmanager
    def removed_in_the_end(self) -> Generator[None]:
        """Remove the Job and what belongs to it, however the block ends."""
        try:
            yield
        except KeyboardInterrupt:
            raise CommandError(
                f"interrupted: {self.name} was removed; the same command starts over", Exit.INTERRUPTED
            ) from None
        finally:
            self._remove()

    def clear(self) -> None:
        """Remove what an earlier try has left, and wait until its pod has ended."""
        self._remove()
        deadline = time.monotonic() + self.seconds
        while self._pod() is not None:
            if time.monotonic() > deadline:
                raise CommandError(f"the pod of an earlier {self.name} does not end", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)

    def create(self) -> None:
        """Create the objects."""
        for item in self.objects:
            self.cluster.send("POST", path_of(item["kind"], self.namespace), item)

    def wait_ready(self) -> None:
        """Wait until the pod is ready; raises CommandError where it does not come to that."""
        deadline = time.monotonic() + self.seconds
        while not self._ready():
            if time.monotonic() > deadline:
                raise CommandError(f"{self.name} is not ready after {self.seconds:.0f} s: set --timeout", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)

    def wait_succeeded(self, seconds: float, failure: str) -> None:
        """Wait until the Job has succeeded; raises CommandError with the failure's name where it does not."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.cluster.get(self.path).get("status", {})
            if status.get("succeeded"):
                return
            self._print_log()
            if status.get("failed") or time.monotonic() > deadline:
                raise CommandError(f"{failure}: {self._last_words()}", Exit.FOUND)
            time.sleep(POLL_SECONDS)

    @property
    def path(self) -> str:
        """Path of the Job."""
        return path_of("Job", self.namespace, self.name)

    def _ready(self) -> bool:
        pod = self._pod()
        if pod is None:
            self._refuse_lost_pod()
            return False
        self._print_log()
        status: dict[str, Any] = pod.get("status", {})
        if status.get("phase") in ("Failed", "Succeeded"):
            raise CommandError(f"{self.name} failed: {self._last_words()}; {self.unchanged}", Exit.FOUND)
        for container in status.get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in _STUCK:
                reason = f"{waiting['reason']}: {waiting.get('message', '')}"
                raise CommandError(f"{self.name} does not start: {reason}; nothing was changed", Exit.FOUND)
        return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions", []))

    def _refuse_lost_pod(self) -> None:
        """Raise CommandError where the Job has no pod because it lost it, to a person or a drain of its node."""
        for condition in self.cluster.get(self.path).get("status", {}).get("conditions", []):
            if (condition["type"], condition["status"]) == ("Failed", "True"):
                raise CommandError(
                    f"{self.name} lost its pod: {condition.get('message', '')}; {self.unchanged}: the same command "
                    "starts over",
                    Exit.FOUND,
                )

    def _pod(self) -> dict[str, Any] | None:
        pods = self.cluster.list(path_of("Pod", self.namespace), labels=f"job-name={self.name}")
        return pods[-1] if pods else None

    def _log(self) -> list[str]:
        pod = self._pod()
        if pod is None:
            return []
        try:
            place = path_of("Pod", self.namespace, pod["metadata"]["name"])
            return self.cluster.text(f"{place}/log").splitlines()
        except ClusterError as error:
            # Before its container has started there is none, and none of a pod that is gone.
            if error.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) and not self._unread:
                self._unread = True
                typer.echo(f"{self.name} goes on, and its log cannot be read: {error.problem}", err=True)
            return []

    def _print_log(self) -> None:
        lines = self._log()
        for line in lines[len(self._printed) :]:
            typer.echo(f"  {line}", err=True)
        self._printed = lines or self._printed

    def _last_words(self) -> str:
        return "; ".join(self._printed[-2:]) or "it said nothing"

    def _remove(self) -> None:
        """Remove the objects; what the cluster keeps is named with the command that removes it."""
        for item in reversed(self.objects):
            kind, name = item["kind"], item["metadata"]["name"]
            try:
                self.cluster.delete(path_of(kind, self.namespace, name))
            except ClusterError as error:
                command = self.cluster.kubectl(self.namespace, f"delete {kind.lower()} {name}")
                typer.echo(f"{kind} {name} was not removed: {error.problem}; remove it: {command}", err=True)
