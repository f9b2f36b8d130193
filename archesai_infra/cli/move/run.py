"""Move the database from the single pod to the cluster."""

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
from archesai_infra.cli.engine.engine import needed
from archesai_infra.cli.engine.operations import Change
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.cli.move.objects import NAME, helpers
from archesai_infra.cli.move.plan import Plan, planned
from archesai_infra.components import database
from archesai_infra.stack.evaluate import Evaluation

_SWITCHED_SECONDS = 120
"""Time in which the Job sees that the Service leads to the cluster."""


def move(stack: str, to: str | None, change: Change, seconds: float) -> None:
    """Copy, compare and switch; raises CommandError, with the single pod in use, where it does not come to that."""
    plan = planned(stack, to)
    plugin.provide(needed(project_root()).command)
    settings = plan.settings
    state.refuse_throw_away_state(stack, production=settings.production, allowed=change.local_state)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        live_server(cluster, plan.namespace)
        _show(cluster, plan)
        confirm_stack(stack, production=settings.production, yes=change.yes)
        apply_stack_file(stack, plan.beside_text, local_state=change.local_state)
        job = HelperJob(cluster, plan.namespace, NAME, helpers(plan), seconds, "the single pod goes on")
        with job.removed_in_the_end():
            job.clear()
            job.create()
            job.wait_ready()
            _switch(cluster, plan, job)
            apply_stack_file(stack, plan.over_text, local_state=change.local_state)
    typer.echo(
        f"the database is on cluster {plan.cluster.name}; commit Pulumi.{stack}.yaml.\n"
        f"The single pod and its volume are kept. Back to them, without later writes: "
        f"arches move database --undo --stack {stack}"
    )


def _show(cluster: Cluster, plan: Plan) -> None:
    file = f"Pulumi.{plan.stack}.yaml"
    name = plan.cluster.name
    lines = [
        f"Move of the database of stack {plan.stack}, in namespace {plan.namespace} of context {cluster.context}:",
        f"  1. {file} gets cluster {name} beside the single pod, and is applied; the pod restarts once (wal_level)",
        "  2. the schema, then the rows while they are written to, then indexes: for as long as the copy takes",
        "  3. writers wait from here on: the last rows, sequences, a comparison by rows and checksums",
        f"  4. Service {database.NAME} leads to the cluster, and writers go on there",
        f"  5. {file} gets database.singlePod: kept and is applied: clients restart with TLS to the cluster",
        "The single pod and its volume are kept; the pod takes no more writes. No migration may run meanwhile.",
        "Other databases of the server and rights of other roles than the stack's stay behind.",
    ]
    typer.echo("\n".join(lines))


def _switch(cluster: Cluster, plan: Plan, job: HelperJob) -> None:
    """Lead the Service to the cluster; it leads to the single pod again where the Job does not agree."""
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
