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
    refresh: Annotated[
        bool, typer.Option("--refresh", help="A reader's rights for previews with --refresh, such as for drift.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Group that gets them; archesai-<stack>-readers, -refreshers or -deployers."),
    ] = None,
) -> None:
    """Print the roles that a preview or an `up` of the stack needs, for `kubectl apply`.

    A reader sees no Secret. For --refresh it gets the stack's Secrets by name, and those of the charts' namespaces,
    where Helm keeps its records. A deployer manages the stack's own objects; charts need a cluster's administrator.
    """
    from archesai_infra.cli.rbac import roles

    if deployer and refresh:
        raise typer.BadParameter("a deployer reads Secrets anyway: leave one of --deployer and --refresh out")
    role = roles.DEPLOYER if deployer else roles.REFRESHER if refresh else roles.READER
    roles.print_roles(stack, role, group=group)
