"""`arches status`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    *,
    stack: Stack = DEFAULT_STACK,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Repeat every 5 seconds until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show rollouts, endpoints, certificates, chart releases and backups of the stack in its cluster.

    Problems come first, each with the next command. Exits with 1 if something is missing, failed or not ready.
    """
    from archesai_infra.cli.status.show import show, watch_status

    if watch:
        watch_status(stack)
    else:
        show(stack, json=json)
