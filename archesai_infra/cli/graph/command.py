"""`arches graph`: the options."""

from __future__ import annotations

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("graph")(graph)


def graph(*, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Draw the stack's modules and network flows as a Mermaid flowchart; the network policies follow the same list."""
    from archesai_infra.cli.graph.drawing import print_graph

    print_graph(stack, json=json)
