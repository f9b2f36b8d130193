"""The Job that copies, from its creation to its end."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import typer

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.upgrade.objects import FROM, NAME, claim, found, helpers, image_of
from archesai_infra.cli.upgrade.plan import Plan
from archesai_infra.components import database

POLL_SECONDS = 2
_STUCK = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError")
"""Reasons of a container that does not start by itself."""
_PLACED_SECONDS = 120
"""Time between the end of the old server and the end of the Job."""


@dataclass
class Copying:
    """A copy of the database in a cluster."""

    cluster: Cluster
    plan: Plan
    seconds: float
    """Time until it is complete."""
    _said: list[str] = field(default_factory=list[str])

    @contextmanager
    def removed_in_the_end(self) -> Generator[None]:
        """Remove the Job and what belongs to it: an old server that is still there serves writers again at once."""
        try:
            yield
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: the copy was removed; the same command starts over", Exit.INTERRUPTED
            ) from None
        finally:
            self._remove()

    def start(self) -> None:
        """Start the copy, after the end of one that an earlier command left; raises CommandError and ClusterError."""
        self._remove()
        self._wait_gone()
        self._create_claim()
        for item in helpers(self.plan):
            self.cluster.send("POST", path(item["kind"], self.plan.namespace), item)

    def finish(self) -> None:
        """Wait until the copy is complete and waits for the switch; raises CommandError where it fails."""
        deadline = time.monotonic() + self.seconds
        while not self._complete():
            if time.monotonic() > deadline:
                raise CommandError(f"the copy is not complete after {self.seconds:.0f} s: set --timeout", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)

    @property
    def job(self) -> str:
        """Path of the Job that copies."""
        return self._path("Job")

    @property
    def switched(self) -> bool:
        """Whether the stack's server is the new one, or on the way to it."""
        live = self.cluster.get(self._path("StatefulSet", database.NAME))
        return image_of(live) == image_of(found(self.plan.after, "StatefulSet", database.NAME))

    def wait_in_place(self) -> None:
        """Wait until the copy has taken its place; raises CommandError where it did not."""
        deadline = time.monotonic() + _PLACED_SECONDS
        while True:
            status = self.cluster.get(self.job).get("status", {})
            if status.get("succeeded"):
                return
            self._print_log()
            if status.get("failed") or time.monotonic() > deadline:
                raise CommandError(f"the copy was not put in its place: {self._last_words()}", Exit.FOUND)
            time.sleep(POLL_SECONDS)

    def _path(self, kind: str, name: str = NAME) -> str:
        return path(kind, self.plan.namespace, name)

    def _create_claim(self) -> None:
        """The new claim, or the one of an earlier try."""
        wanted = claim(self.plan)
        live = self.cluster.find(self._path("PersistentVolumeClaim", self.plan.new_claim))
        if live is None:
            self.cluster.send("POST", path("PersistentVolumeClaim", self.plan.namespace), wanted)
        elif FROM not in live["metadata"].get("annotations", {}):
            raise CommandError(
                f"claim {self.plan.new_claim} exists and is not one of an upgrade: delete it, if nobody needs its data",
                Exit.FOUND,
            )

    def _complete(self) -> bool:
        """Whether the copy waits for the switch; raises CommandError where it cannot come to that."""
        pod = self._pod()
        if pod is None:
            self._refuse_lost_pod()
            return False
        self._print_log()
        status: dict[str, Any] = pod.get("status", {})
        if status.get("phase") in ("Failed", "Succeeded"):
            raise CommandError(f"the copy failed: {self._last_words()}; the old server is as it was", Exit.FOUND)
        for container in status.get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in _STUCK:
                reason = f"{waiting['reason']}: {waiting.get('message', '')}"
                raise CommandError(f"the new server does not start: {reason}; nothing was changed", Exit.FOUND)
        return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions", []))

    def _refuse_lost_pod(self) -> None:
        """Raise CommandError where the Job has no pod because it lost it, to a person or a drain of its node."""
        for condition in self.cluster.get(self.job).get("status", {}).get("conditions", []):
            if (condition["type"], condition["status"]) == ("Failed", "True"):
                raise CommandError(
                    f"the copy lost its pod: {condition.get('message', '')}; the old server is as it was: the same "
                    "command starts over",
                    Exit.FOUND,
                )

    def _pod(self) -> dict[str, Any] | None:
        pods = self.cluster.list(path("Pod", self.plan.namespace), labels=f"job-name={NAME}")
        return pods[-1] if pods else None

    def _log(self) -> list[str]:
        pod = self._pod()
        if pod is None:
            return []
        try:
            place = path("Pod", self.plan.namespace, pod["metadata"]["name"])
            return self.cluster.text(f"{place}/log").splitlines()
        except ClusterError as error:
            # Before its container has started there is none, and none of a pod that is gone.
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                return []
            raise

    def _print_log(self) -> None:
        lines = self._log()
        for line in lines[len(self._said) :]:
            typer.echo(f"  {line}", err=True)
        self._said = lines or self._said

    def _last_words(self) -> str:
        return "; ".join(self._said[-2:]) or "it said nothing"

    def _remove(self) -> None:
        """Remove what the copy needed; what the cluster keeps is named with the command that removes it."""
        for item in reversed(helpers(self.plan)):
            kind, name = item["kind"], item["metadata"]["name"]
            try:
                self.cluster.send("DELETE", self._path(kind, name), query={"propagationPolicy": "Background"})
            except ClusterError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    command = f"kubectl --context {self.cluster.context} --namespace {self.plan.namespace}"
                    typer.echo(
                        f"{kind} {name} was not removed: {error.problem}; remove it: {command} delete "
                        f"{kind.lower()} {name}",
                        err=True,
                    )

    def _wait_gone(self) -> None:
        """Until the pod of an earlier try has left the volume."""
        deadline = time.monotonic() + self.seconds
        while self._pod() is not None:
            if time.monotonic() > deadline:
                raise CommandError("the pod of an earlier copy does not end", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)
