"""Move the database to the cluster, from the single pod or from a server elsewhere."""

from __future__ import annotations

import typer

from archesai_infra.cli.base.cluster import APPLY_PATCH, Cluster
from archesai_infra.cli.base.confirm import confirm_stack
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.helper_job import HelperJob
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.server_job import found, live_server
from archesai_infra.cli.config.edit import replace_file
from archesai_infra.cli.engine import plugin, state
from archesai_infra.cli.engine.operations import Change
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.cli.move.objects import CHECK, NAME, helpers
from archesai_infra.cli.move.plan import Plan, planned
from archesai_infra.components import database
from archesai_infra.stack.evaluate import Evaluation

_COPY = "the schema, then the rows while they are written to, then indexes: for as long as the copy takes"
_CHECK_SECONDS = 300
"""Time in which the server elsewhere is asked, with the start of the pod that asks."""
_SWITCHED_SECONDS = 120
"""Time in which the Job sees that the Service leads to the cluster."""


def move(stack: str, to: str | None, change: Change, seconds: float) -> None:
    """Copy, compare and switch; raises CommandError, with the old server in use, where it does not come to that."""
    plan = planned(stack, to)
    plugin.require_engine()
    settings = plan.settings
    state.refuse_throw_away_state(stack, production=settings.production, allowed=change.local_state)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        if plan.elsewhere is None:
            live_server(cluster, plan.namespace)
        _show(cluster, plan)
        if plan.elsewhere is not None:
            _check(cluster, plan)
        confirm_stack(stack, production=settings.production, yes=change.yes)
        apply_stack_file(stack, plan.beside_text, local_state=change.local_state)
        job = HelperJob(cluster, plan.namespace, NAME, helpers(plan), seconds, f"{plan.source} goes on")
        with job.removed_in_the_end():
            job.clear()
            job.create()
            job.wait_ready()
            _switch(cluster, plan, job)
            apply_stack_file(stack, plan.over_text, local_state=change.local_state)
    typer.echo(
        f"the database is on cluster {plan.cluster.name}; commit Pulumi.{stack}.yaml.\n"
        f"{_kept(plan)} Back, without later writes: arches move database --undo --stack {stack}"
    )


def _check(cluster: Cluster, plan: Plan) -> None:
    """Ask the server elsewhere whether it can be moved; raises CommandError with what it lacks."""
    job = HelperJob(cluster, plan.namespace, NAME, helpers(plan, CHECK), _CHECK_SECONDS, "nothing was changed")
    with job.removed_in_the_end():
        job.clear()
        job.create()
        job.wait_succeeded(_CHECK_SECONDS, "nothing was changed: the server elsewhere cannot be moved")


def _show(cluster: Cluster, plan: Plan) -> None:
    head = f"Move of the database of stack {plan.stack}, in namespace {plan.namespace} of context {cluster.context}:"
    steps = _from_pod(plan) if plan.elsewhere is None else _from_elsewhere(plan)
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    last = "Other databases of the server and rights of other roles than the stack's stay behind."
    typer.echo("\n".join([head, *lines, f"{_kept(plan)} No migration may run meanwhile.", last]))


def _from_pod(plan: Plan) -> tuple[str, ...]:
    file, name = f"Pulumi.{plan.stack}.yaml", plan.cluster.name
    return (
        f"{file} gets cluster {name} beside the single pod, and is applied; the pod restarts once (wal_level)",
        _COPY,
        "writers wait from here on: the last rows, sequences, a comparison by rows and checksums",
        f"Service {database.NAME} leads to the cluster, and writers go on there",
        f"{file} gets database.singlePod: kept and is applied: clients restart with TLS to the cluster",
    )


def _from_elsewhere(plan: Plan) -> tuple[str, ...]:
    file, name = f"Pulumi.{plan.stack}.yaml", plan.cluster.name
    return (
        f"{file} gets cluster {name} beside the server elsewhere, and is applied; clients notice nothing",
        _COPY,
        "writers of every program wait from here on: the last rows, sequences, a comparison by rows and checksums",
        "the server elsewhere only reads, for every client but superusers, and sessions end",
        f"{file} gets database.mode: cluster and is applied: the stack's clients restart on it, and write again",
    )


def _kept(plan: Plan) -> str:
    """What stays for the way back."""
    if plan.elsewhere is None:
        return "The single pod and its volume are kept; the pod takes no more writes."
    return "The server elsewhere keeps its data and only reads; other programs than the stack do not follow."


def _switch(cluster: Cluster, plan: Plan, job: HelperJob) -> None:
    """Lead the Service to the cluster; it leads there no more where the Job does not agree."""
    text = project_root() / f"Pulumi.{plan.stack}.yaml"
    _lead(cluster, plan, plan.over)
    # From here on an `up` must not lead it back.
    replace_file(text, plan.over_text)
    try:
        job.wait_succeeded(_SWITCHED_SECONDS, "the cluster did not take over")
    except CommandError:
        _lead(cluster, plan, plan.beside)
        replace_file(text, plan.beside_text)
        raise


def _lead(cluster: Cluster, plan: Plan, evaluation: Evaluation) -> None:
    """Apply the Service at once, in the name of who applied its selector: the next `up` finds its own fields."""
    place = path("Service", plan.namespace, database.NAME)
    managers = [
        entry["manager"]
        for entry in cluster.get(place)["metadata"].get("managedFields", [])
        if entry["operation"] == "Apply" and "f:selector" in entry.get("fieldsV1", {}).get("f:spec", {})
    ]
    if not managers:
        raise CommandError(f"Service {database.NAME} is not applied by the engine: run `arches up` first", Exit.FOUND)
    query = {"fieldManager": managers[0], "force": "true"}
    service = found(evaluation, "Service", database.NAME)
    cluster.send("PATCH", place, service, query=query, content_type=APPLY_PATCH)
