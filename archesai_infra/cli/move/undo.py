"""Go back to the server that the database came from."""

from __future__ import annotations

import typer

from archesai_infra.cli.base.confirm import confirm_stack
from archesai_infra.cli.base.helper_job import HelperJob
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.server_job import live_server
from archesai_infra.cli.engine import plugin
from archesai_infra.cli.engine.operations import Change
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.cli.move.objects import BACK, NAME, helpers
from archesai_infra.cli.move.plan import planned_back

_SECONDS = 300


def undo(stack: str, change: Change) -> None:
    """Have the old server take writes and serve again; raises CommandError where there is no move to undo."""
    plan = planned_back(stack)
    plugin.require_engine()
    settings = plan.settings
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        if plan.elsewhere is None:
            live_server(cluster, plan.namespace)
        typer.echo(f"The database goes back to {plan.source}, as it was at the move.")
        typer.echo(f"What was written since stays in cluster {plan.cluster.name} and is not in the database any more.")
        confirm_stack(stack, production=settings.production, yes=change.yes)
        job = HelperJob(cluster, plan.namespace, NAME, helpers(plan, BACK), _SECONDS, "the cluster goes on")
        with job.removed_in_the_end():
            job.clear()
            job.create()
            job.wait_succeeded(_SECONDS, f"{plan.source} takes no writes")
            apply_stack_file(stack, plan.beside_text, local_state=change.local_state)
    typer.echo(
        f"{plan.source} serves; commit Pulumi.{stack}.yaml. Another move needs an empty cluster: raise "
        "database.cluster.generation"
    )
