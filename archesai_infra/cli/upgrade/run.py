"""Upgrade the database to another major version, and go back."""

from __future__ import annotations

import json

import typer

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.confirm import confirm_stack
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.files import require_writable
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.server_job import found, live_server
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.config.drafts import changed
from archesai_infra.cli.config.edit import new_mistakes, replace_file
from archesai_infra.cli.engine import plugin, state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import needed
from archesai_infra.cli.engine.operations import Change, packs_of
from archesai_infra.cli.engine.recovery import find_unlocking
from archesai_infra.cli.engine.stack_file import apply_stack_file
from archesai_infra.cli.upgrade.copying import Copying, remove_remains
from archesai_infra.cli.upgrade.lease import renewed
from archesai_infra.cli.upgrade.objects import FROM, image_of
from archesai_infra.cli.upgrade.plan import CLAIM, TAG, Plan, managed, movable, planned
from archesai_infra.components import database
from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import evaluate

_CLAIM_RESOURCE = "database-data"
"""Logical name of the data's claim."""


def upgrade(stack: str, to: int | None, tag: str | None, change: Change, seconds: float) -> None:
    """Copy, compare and switch; raises CommandError, with the old server as it was, where it does not come to that."""
    plan = planned(stack, to, tag)
    if mistakes := new_mistakes(plan.text, stack):
        raise CommandError("\n".join(mistakes), Exit.INPUT)
    plugin.require_engine()
    require_writable(project_root() / f"Pulumi.{stack}.yaml")
    settings = plan.settings
    state.refuse_throw_away_state(stack, production=settings.production, allowed=change.local_state)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        _refuse_other_server(cluster, plan)
        _show(cluster, plan)
        confirm_stack(stack, production=settings.production, yes=change.yes)
        # Writers would wait for what the first use of the pack installs.
        packs_of(project_root(), wanted=settings.production)
        copying = Copying.of(cluster, plan, seconds)
        with copying.job.removed_in_the_end():
            copying.start()
            with renewed(cluster, copying.job.path):
                copying.finish()
                _switch(plan, change, copying)
    typer.echo(
        f"the database has PostgreSQL {plan.version}, on claim {plan.new_claim}; commit Pulumi.{stack}.yaml.\n"
        f"Claim {plan.old_claim} is kept. Back to it, without later writes: "
        f"arches upgrade database --undo --stack {stack}"
    )


def undo(stack: str, change: Change) -> None:
    """Put tag and claim of before the last upgrade back and apply them; raises CommandError where there is none."""
    settings, _ = load(checked_stack(stack))
    now = movable(settings).claim
    if settings.gitops.enabled:
        raise CommandError("gitops.enabled: revert the commit with the new tag and claim of the database", Exit.INPUT)
    plugin.require_engine()
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        live = cluster.find(path("PersistentVolumeClaim", settings.namespace, now)) or {"metadata": {}}
        record = live["metadata"].get("annotations", {}).get(FROM)
        if record is None:
            raise CommandError(f"claim {now} is not one of an upgrade: there is nothing to undo", Exit.INPUT)
        before = json.loads(record)
        if cluster.find(path("PersistentVolumeClaim", settings.namespace, before["claim"])) is None:
            raise CommandError(f"claim {before['claim']} no longer exists: its data cannot come back", Exit.FOUND)
        typer.echo(f"The database goes back to claim {before['claim']} and image tag {before['tag']}.")
        typer.echo(f"What was written since the upgrade stays on claim {now} and is not in the database any more.")
        confirm_stack(stack, production=settings.production, yes=change.yes)
        remove_remains(cluster, settings.namespace)
    _apply(stack, changed(stack, {TAG: before["tag"], CLAIM: before["claim"]}), change)
    typer.echo(f"the database is that of claim {before['claim']}; commit Pulumi.{stack}.yaml")


def _refuse_other_server(cluster: Cluster, plan: Plan) -> None:
    """The switch applies the whole stack file: what it has changed since the last `up` must be there already."""
    live = live_server(cluster, plan.namespace)
    ours, theirs = image_of(found(plan.before, "StatefulSet", database.NAME)), image_of(live)
    if ours != theirs:
        raise CommandError(
            f"the server runs {theirs} and the stack file says {ours}: run `arches up` first", Exit.FOUND
        )


def _show(cluster: Cluster, plan: Plan) -> None:
    own, new = managed(plan.settings), managed(plan.after.settings)
    file = f"Pulumi.{plan.stack}.yaml"
    lines = [
        f"Upgrade of the database of stack {plan.stack}, in namespace {plan.namespace} of context {cluster.context}:",
        f"  1. a server of {new.image.tag} beside the present one, as large, on the new claim {plan.new_claim}",
        "  2. writers wait from here on, readers go on: a dump, read back; its restore; rows and checksums compared",
        f"  3. {file} gets {TAG} and {CLAIM} and is applied: the database restarts on the new claim",
        f"Claim {plan.old_claim} is kept. How long it takes: docs/production.md.",
        f"Settings of roles and of the database (ALTER … SET) go along; other databases stay behind with {own.tag}.",
    ]
    typer.echo("\n".join(lines))


def _switch(plan: Plan, change: Change, copying: Copying) -> None:
    """Apply the new stack file; it is put back where the old server was not reached."""
    before = (project_root() / f"Pulumi.{plan.stack}.yaml").read_text(encoding="utf-8")
    try:
        _apply(plan.stack, plan.text, change)
        copying.wait_in_place()
    except BaseException:
        if not copying.switched:
            replace_file(project_root() / f"Pulumi.{plan.stack}.yaml", before)
            typer.echo("the old server goes on; the stack file is as it was", err=True)
        else:
            copying.wait_in_place()
            typer.echo(
                f"the old server has ended: arches up --stack {plan.stack} continues, "
                f"arches upgrade database --undo --stack {plan.stack} goes back",
                err=True,
            )
        raise


def _apply(stack: str, text: str, change: Change) -> None:
    """Write the stack file and apply it; the old claim's object is let go, and its volume is kept."""
    _unprotect(stack)
    apply_stack_file(stack, text, local_state=change.local_state)


def _unprotect(stack: str) -> None:
    """Protection would refuse another claim in the place of the present one; the next one is protected again."""
    evaluation = evaluate(checked_stack(stack))
    (resource,) = [one for one in evaluation.resources if one.name == _CLAIM_RESOURCE and one.is_object]
    if resource.protect:
        root = project_root()
        command = Command(root, stack, needed(root), state.environment(root))
        find_unlocking(command, "state", "unprotect", resource.urn, "--yes")
