"""Restore a backup, after showing the steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from archesai_infra.cli.backups.restore_plan import SECRETS, Step, empty_cluster, one_module, refusals, whole
from archesai_infra.cli.backups.restore_run import Run, dump_on_volume, look
from archesai_infra.cli.backups.secrets import collect
from archesai_infra.cli.backups.store import Store, open_store
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.confirm import confirm_namespace
from archesai_infra.cli.base.errors import CommandError, Exit


@dataclass(frozen=True)
class Choice:
    """What is restored, and how."""

    into: str | None
    """Namespace for a copy beside the stack."""
    module: str | None
    """The one module whose content is restored."""
    plan_only: bool
    confirm: str | None
    """Name of the namespace, given instead of being typed."""
    timeout: float
    """Time for all of it, in seconds."""


def nothing_named() -> CommandError:
    """What a restore of nothing is told."""
    return CommandError("name a backup with --from, or a moment with --to: arches backup list", Exit.INPUT)


def restore(stack: str, source: str, choice: Choice) -> None:
    """Restore a backup by its name or `latest`; raises CommandError and ClusterError."""
    with open_store(stack) as store:
        store.check_location()
        backup = store.backup(source)
        target = look(store, choice.into or store.settings.namespace)
        reasons = refusals(
            backup,
            store.volumes(backup),
            target,
            place=store.place,
            module=choice.module,
            into=choice.into,
            now=datetime.now(UTC),
        )
        if choice.module is None and choice.into is None:
            reasons += empty_cluster(store.settings)
        if reasons:
            raise CommandError("\n".join(reasons), Exit.INPUT)
        if choice.module is None:
            steps = whole(store.settings, stack, backup, choice.into, target.volumes)
        else:
            on_volume = dump_on_volume(store, backup, choice.module)
            steps = one_module(stack, backup, choice.module, target.namespace, on_volume=on_volume)
        _show(store, backup, target.namespace, steps)
        if choice.plan_only:
            return
        confirm_namespace(target.namespace, choice.confirm, production=store.settings.production)
        lacking = any(step.name == SECRETS for step in steps)
        secrets = collect(store, target.namespace) if lacking else None
        in_place = choice.module is not None
        _carry_out(Run(store, backup, target.namespace, choice.timeout, in_place, secrets), steps)
    typer.echo(f"restored {backup['metadata']['name']} into namespace {target.namespace}")
    if choice.module is None and choice.into is None:
        typer.echo(
            f"next: arches up --refresh --stack {stack} (it runs finished Jobs again: migrations, users of the storage)"
        )


def _carry_out(run: Run, steps: list[Step]) -> None:
    try:
        run.carry_out(steps)
    except KeyboardInterrupt:
        raise CommandError(
            f"interrupted in step {run.step or 'none'}: the step that began continues in the cluster, later ones were "
            f"not started; namespace {run.namespace} is incomplete until a restore has run to its end",
            Exit.INTERRUPTED,
        ) from None


def _show(store: Store, backup: Object, namespace: str, steps: list[Step]) -> None:
    begun = backup.get("status", {}).get("startTimestamp")
    typer.echo(f"Restore of {backup['metadata']['name']}, made {begun}, into namespace {namespace}")
    typer.echo(f"of context {store.cluster.context}:")
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {step.text}")
