"""`arches images`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("images")(images)


def images(
    *,
    stack: Stack = DEFAULT_STACK,
    digests: Annotated[
        bool, typer.Option("--digests", help="Ask registries for the digests that the lock lacks.")
    ] = False,
    lock: Annotated[
        bool, typer.Option("--lock", help="Ask registries for every digest and write the lock into the stack file.")
    ] = False,
    json: Json = False,
) -> None:
    """List every image and chart of a stack, its digest, where it is pulled from and what uses it.

    Images of charts are listed where helm is on PATH and the chart can be had. In a pipe, tabs separate the columns.

    The lock is `images.digests` and `charts.digests` of the stack file. Logins are those of `docker login`.
    """
    from archesai_infra.cli.images.show import print_images

    print_images(stack, digests=digests, lock=lock, json=json)
