"""`arches up` and `arches destroy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli import project
from archesai_infra.cli.preview import StackOption, read_config

if TYPE_CHECKING:
    from archesai_infra.cli.engine import Engine

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("destroy")(destroy)


def up(
    *,
    stack: StackOption = "dev",
    yes: YesOption = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read the cluster first and heal what drifted.")] = False,
) -> None:
    """Make the cluster what the stack file says."""
    from archesai_infra.cli import operations

    root = project.root()
    raw = read_config(root, stack)
    operations.up(root, raw, _engine(), yes=yes, refresh=refresh)


def destroy(*, stack: StackOption = "dev", yes: YesOption = False) -> None:
    """Remove the stack's objects, all but the data that is kept."""
    from archesai_infra.cli import operations

    root = project.root()
    raw = read_config(root, stack)
    operations.destroy(root, raw, _engine(), yes=yes)


def _engine() -> Engine:
    from archesai_infra.cli.engine import NoEngineError, obtain

    try:
        return obtain(project.root())
    except NoEngineError as error:
        typer.echo(f"error: this needs the Pulumi engine: {error}", err=True)
        raise typer.Exit(3) from None
