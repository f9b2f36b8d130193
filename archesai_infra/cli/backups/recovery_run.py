"""Recover the database to a moment: a new cluster beside the present one, a comparison, and the switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import typer

from archesai_infra.cli.backups.recovery_plan import Recovery, planned
from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.confirm import confirm, confirm_namespace
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.engine import plugin, state
from archesai_infra.cli.engine.operations import Change, up
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.components.api import NAME as API
from archesai_infra.components.database.cluster.network import primary_labels
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.stack.config import load

_COUNT_SECONDS = 3600
_COUNTS = r"""SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', nspname, relname), nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
  ORDER BY 1 \gexec
\q
"""
"""Rows of each table; the last line ends psql, which older API servers do not tell of the end of its input."""


@dataclass(frozen=True)
class Choice:
    """How a recovery is carried out."""

    moment: str
    """Moment such as `2026-05-04T10:30:00Z`, or `latest`."""
    source: str | None
    """Name of the archive; the present cluster's where it is None."""
    plan_only: bool
    confirm: str | None
    """Name of the namespace, given instead of answers."""
    compare: bool
    """Count the rows of both before the switch."""
    local_state: bool


def recover(stack: str, choice: Choice) -> None:
    """Make the new cluster, compare and switch; raises CommandError, with the present cluster serving, before that."""
    settings, _ = load(checked_stack(stack))
    plan = planned(stack, settings, choice.moment, choice.source)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        restart = cluster.kubectl(settings.namespace, f"rollout restart deployment {API}")
        _show(plan, cluster, settings.namespace)
        if choice.plan_only:
            return
        plugin.require_engine()
        state.refuse_throw_away_state(stack, production=settings.production, allowed=choice.local_state)
        confirm_namespace(settings.namespace, choice.confirm, production=settings.production)
        if plan.begun:
            up(stack, Change(yes=True, local_state=choice.local_state))
        else:
            apply_stack_file(stack, plan.beside_text, local_state=choice.local_state)
        if choice.compare:
            print_table(("TABLE", plan.present.name, plan.new.name), _compared(cluster, settings.namespace, plan))
    if choice.confirm is None:
        confirm(
            f"Lead the stack to {plan.new.name}? Otherwise {plan.present.name} goes on, and the command can be repeated"
        )
    apply_stack_file(stack, plan.over_text, local_state=choice.local_state)
    typer.echo(
        f"the database is cluster {plan.new.name}; commit Pulumi.{stack}.yaml. Open connections stay on the old one:\n"
        f"{restart}\n"
        f"The way back: generation {plan.present.generation} and beside {plan.generation}, then arches up. When nobody "
        "will go back, remove beside."
    )


def refuse_others(options: Mapping[str, str | None]) -> None:
    """Raise CommandError where options of another restore are given."""
    for name, value in options.items():
        if value is not None:
            raise CommandError(f"{name}: is no option of --to, which recovers the whole database", Exit.INPUT)


def _show(plan: Recovery, cluster: Cluster, namespace: str) -> None:
    file = f"Pulumi.{plan.stack}.yaml"
    moment = plan.moment or "its end"
    begin = (
        f"has the cluster {plan.new.name} already, and is applied again"
        if plan.begun
        else f"gets the cluster {plan.new.name}, and is applied"
    )
    lines = [
        f"Recovery of archive {plan.source} to {moment}, in namespace {namespace} of context {cluster.context}:",
        f"  1. {file} {begin}; {plan.present.name} serves on while the new one recovers",
        "  2. the rows of each table of both are counted and shown",
        f"  3. {file} leads to {plan.new.name}, after a question; {plan.present.name} stays beside it for the way back",
    ]
    typer.echo("\n".join(lines))


def _compared(cluster: Cluster, namespace: str, plan: Recovery) -> Iterator[list[str]]:
    """A line for each table: its rows in the present cluster and in the new one."""
    present, new = (_counts(cluster, namespace, one, plan.database) for one in (plan.present, plan.new))
    for table in sorted(present.keys() | new.keys()):
        yield [table, present.get(table, "-"), new.get(table, "-")]


def _counts(cluster: Cluster, namespace: str, instances: ClusterSettings, database: str) -> dict[str, str]:
    """Rows by table; raises CommandError where the cluster's primary does not answer."""
    labels = ",".join(f"{key}={value}" for key, value in primary_labels(instances).items())
    pods = cluster.list(path("Pod", namespace), labels=labels)
    if not pods:
        raise CommandError(f"{instances.name} has no primary: arches status", Exit.FOUND)
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
    name = pods[0]["metadata"]["name"]
    try:
        done = cluster.execute(namespace, name, command, stdin=_COUNTS, container="postgres", seconds=_COUNT_SECONDS)
    except ClusterError as error:
        raise CommandError(f"the rows were not counted, --no-compare goes on without: {error}", Exit.CLUSTER) from None
    if done.status:
        raise CommandError(f"the rows of {instances.name} were not counted: {done.error.strip()}", Exit.FOUND)
    return dict(line.rsplit("|", 1) for line in done.output.splitlines())
