"""`arches init`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import complete_stacks


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    stack: Annotated[str, typer.Argument(help="Name of the new stack.")],
    *,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Stack whose settings are copied.", autocompletion=complete_stacks),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Namespace; archesai-<stack> where it is not given.")
    ] = None,
) -> None:
    """Create the file of a new stack: a development stack, or with --from one like another, without its secrets."""
    from archesai_infra.cli.init.creation import create

    create(stack, source, namespace or f"archesai-{stack}")
