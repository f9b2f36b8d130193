"""`arches cluster`: the options."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from archesai_infra.cli.base.options import Yes

Tool = Annotated[
    Literal["k3d", "kind"] | None,
    typer.Option("--tool", help="Program that creates the cluster; by default the first one installed."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Create or remove a local cluster in containers (k3d or kind).")
    group.command("up")(up)
    group.command("down")(down)
    app.add_typer(group, name="cluster")


def up(*, tool: Tool = None) -> None:
    """Create the local cluster: one server, three agents, port 8080 reaches the ingress. An existing one is kept."""
    from archesai_infra.cli.local_cluster.containers import create

    create(tool)


def down(*, tool: Tool = None, yes: Yes = False) -> None:
    """Remove the local cluster with everything in it, data included."""
    from archesai_infra.cli.local_cluster.containers import remove

    remove(tool, yes=yes)
