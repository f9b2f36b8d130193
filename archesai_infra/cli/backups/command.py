"""`arches backup`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack

Timeout = Annotated[int, typer.Option("--timeout", min=1, help="Time to wait, in seconds.")]


def complete_modules(incomplete: str) -> list[str]:
    """Modules whose content can be restored alone, for the shell."""
    from archesai_infra.cli.backups.restore_plan import DATA_MODULES

    return [name for name in DATA_MODULES if name.startswith(incomplete)]


def complete_backups(ctx: typer.Context, incomplete: str) -> list[str]:
    """Backups of the stack that is named before, for the shell."""
    from archesai_infra.cli.backups.offering import backup_names

    return backup_names(str(ctx.params.get("stack") or DEFAULT_STACK), incomplete)


def register(app: typer.Typer) -> None:
    """Add the commands, and the older names of some of them."""
    group = typer.Typer(no_args_is_help=True, help="Create, list and restore backups, and write the recovery kit.")
    group.command("create")(create)
    group.command("list")(listing)
    group.command("restore")(restore)
    group.command("kit")(kit)
    app.add_typer(group, name="backup")
    app.command("backups")(listing)
    app.command("restore")(restore)
    app.command("recovery-kit")(kit)


def create(
    *,
    stack: Stack = DEFAULT_STACK,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for it and verify it.")] = False,
    timeout: Timeout = 7200,
    json: Json = False,
) -> None:
    """Create a backup now. With --wait, exits with 1 unless it holds its own dumps, and with 6 if it takes too long."""
    from archesai_infra.cli.backups.create import create as begin

    begin(stack, wait=wait, timeout=timeout, json=json)


def listing(*, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """List the backups of a stack: age, size, phase and contents. Exits with 1 if the newest is not good."""
    from archesai_infra.cli.backups.listing import print_backups

    print_backups(stack, json=json)


def restore(
    *,
    stack: Stack = DEFAULT_STACK,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Name of a backup, or latest; with --to, name of an archive.",
            autocompletion=complete_backups,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Moment to recover the database to, such as 2026-05-04T10:30:00Z, or latest."),
    ] = None,
    into: Annotated[str | None, typer.Option("--into", help="Namespace for a copy beside the stack.")] = None,
    module: Annotated[
        str | None,
        typer.Option(
            "--module", help="Only the content of database, redis or storage.", autocompletion=complete_modules
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show the steps and exit.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", help="Name of the namespace, instead of typing it.")
    ] = None,
    compare: Annotated[bool, typer.Option(help="With --to: count the rows of both before the switch.")] = True,
    timeout: Timeout = 4 * 3600,
    local_state: Annotated[
        bool, typer.Option("--local-state", help="With --to: allow a state on this machine for production.")
    ] = False,
) -> None:
    """Restore a backup, or recover the database to a moment.

    Exits with 1 if it fails, 2 if it is refused, and 6 if it takes too long.
    """
    from archesai_infra.cli.backups import recovery_run
    from archesai_infra.cli.backups.restore import Choice, nothing_named
    from archesai_infra.cli.backups.restore import restore as carry_out

    if to is not None:
        recovery_run.refuse_others({"--into": into, "--module": module})
        choice = recovery_run.Choice(to, source, plan, confirm, compare, local_state)
        recovery_run.recover(stack, choice)
        return
    if source is None:
        raise nothing_named()
    carry_out(stack, source, Choice(into=into, module=module, plan_only=plan, confirm=confirm, timeout=timeout))


def kit(
    *,
    stack: Stack = DEFAULT_STACK,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; it must not exist.")],
) -> None:
    """Write what a restore elsewhere needs: passwords, passphrase, stack file, steps. Keep it outside the cluster."""
    from archesai_infra.cli.backups.recovery_kit import write_kit

    write_kit(stack, output)
