"""Servers that keep a password in data of their own, and how they get the one of their Secret."""

from __future__ import annotations

from typing import NamedTuple

import typer

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.text import one_line
from archesai_infra.components import database
from archesai_infra.components.base.scripts import script
from archesai_infra.components.database.server import PACKAGE
from archesai_infra.components.monitoring.grafana import PODS, SYNC_LOGIN
from archesai_infra.kube.labels import COMPONENT, INSTANCE
from archesai_infra.stack.config import load
from archesai_infra.stack.settings import Settings


class Keeper(NamedTuple):
    """A server that keeps a password in data of its own: a new Secret alone does not change it."""

    title: str
    namespace: str
    labels: str
    """Selector of its pod."""
    container: str
    script: str
    """What the container runs: the password goes from its Secret to the server and is on no command line or log."""


def sync(stack: str) -> None:
    """Give every such server of a stack the password of its Secret; raises CommandError."""
    settings, _ = load(read_stack(stack))
    servers = keepers(settings, stack)
    if not servers:
        raise CommandError("no server of this stack keeps a password of its own", Exit.FOUND)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        for keeper in servers:
            pod = keepers_pod(cluster, keeper)
            sync_password(cluster, pod, keeper)
            typer.echo(f"{keeper.title} in {pod} has the password of its Secret.")


def keepers(settings: Settings, stack: str) -> list[Keeper]:
    """The servers of a stack that keep a password."""
    servers: list[Keeper] = []
    postgres = settings.database
    if postgres.runs_pods and (not isinstance(postgres, database.ClusterDatabase) or postgres.keeps_single_pod):
        labels = f"{INSTANCE}={stack},{COMPONENT}={database.MODULE}"
        servers.append(
            Keeper("PostgreSQL", settings.namespace, labels, "postgres", script(PACKAGE, "sync-password.sh"))
        )
    if settings.monitoring.installs and settings.monitoring.grafana.size is not None:
        labels = ",".join(f"{key}={value}" for key, value in PODS.items())
        servers.append(Keeper("Grafana", settings.monitoring.namespace, labels, "grafana", SYNC_LOGIN))
    return servers


def keepers_pod(cluster: Cluster, keeper: Keeper) -> str:
    """Name of the pod that a server runs in; raises CommandError where there is none."""
    pods = cluster.list(path("Pod", keeper.namespace), labels=keeper.labels)
    if not pods:
        raise CommandError(f"namespace {keeper.namespace} has no pod of {keeper.title}", Exit.FOUND)
    return str(pods[0]["metadata"]["name"])


def sync_password(cluster: Cluster, pod: str, keeper: Keeper) -> None:
    """Run a server's script in its pod; raises CommandError with its output where it fails."""
    done = cluster.execute(keeper.namespace, pod, ["sh", "-c", keeper.script], container=keeper.container)
    if done.status != 0:
        reason = one_line(done.error or done.output) or f"status {done.status}"
        raise CommandError(f"{pod}: {keeper.title} did not take the password: {reason}", Exit.FOUND)
