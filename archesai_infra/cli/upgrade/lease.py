"""A Job that ends by itself soon after the command that started it has ended, whatever ended the command."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import typer

from archesai_infra.cli.base.cluster import MERGE_PATCH, Cluster, ClusterError

LEASE_SECONDS = 60
"""Time that a Job has left without a command, from its creation or the last renewal."""
_RENEWAL_SECONDS = 15


@contextmanager
def renewed(cluster: Cluster, job: str) -> Generator[None]:
    """Put the deadline of a Job that has just been created off for as long as the block lasts.

    A renewal that fails is printed: the next one comes in time, unless the cluster stays away.
    """
    began, ended = time.monotonic(), threading.Event()

    def renew() -> None:
        while not ended.wait(_RENEWAL_SECONDS):
            deadline = int(time.monotonic() - began) + LEASE_SECONDS
            try:
                cluster.send("PATCH", job, {"spec": {"activeDeadlineSeconds": deadline}}, content_type=MERGE_PATCH)
            except ClusterError as error:
                typer.echo(f"the deadline of the copy was not put off: {error}", err=True)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
