"""Go back to the single pod."""

from __future__ import annotations

import typer

from archesai_infra.cli.base.confirm import confirm_stack
from archesai_infra.cli.base.helper_job import HelperJob
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.server_job import live_server
from archesai_infra.cli.engine import plugin
from archesai_infra.cli.engine.engine import needed
from archesai_infra.cli.engine.operations import Change
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.cli.move.objects import NAME, helpers
from archesai_infra.cli.move.plan import planned_back

_SECONDS = 300


def undo(stack: str, change: Change) -> None:
    """Have the single pod take writes and serve again; raises CommandError where there is no move to undo."""
    plan = planned_back(stack)
    plugin.provide(needed(project_root()).command)
    settings = plan.settings
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        live_server(cluster, plan.namespace)
        typer.echo("The database goes back to the single pod, as it was at the move.")
        typer.echo(f"What was written since stays in cluster {plan.cluster.name} and is not in the database any more.")
        confirm_stack(stack, production=settings.production, yes=change.yes)
        job = HelperJob(cluster, plan.namespace, NAME, helpers(plan, "back"), _SECONDS, "the cluster goes on")
        with job.removed_in_the_end():
            job.clear()
            job.create()
            job.wait_succeeded(_SECONDS, "the single pod takes no writes")
            apply_stack_file(stack, plan.beside_text, local_state=change.local_state)
    typer.echo(
        f"the single pod serves; commit Pulumi.{stack}.yaml. Another move needs an empty cluster: raise "
        "database.cluster.generation"
    )
