"""`arches rbac`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rbac")(rbac)


def rbac(
    *,
    stack: Stack = DEFAULT_STACK,
    deployer: Annotated[
        bool, typer.Option("--deployer/--reader", help="Rights for `up`, or for previews and `status`.")
    ] = False,
    group: Annotated[
        str | None, typer.Option("--group", help="Group that gets them; archesai-<stack>-readers or -deployers.")
    ] = None,
) -> None:
    """Print the roles that a preview or an `up` of the stack needs, for `kubectl apply`.

    A reader sees no Secret. A deployer manages the stack's own objects; charts need a cluster's administrator.
    """
    from archesai_infra.cli.rbac import roles

    roles.print_roles(stack, deployer=deployer, group=group)
