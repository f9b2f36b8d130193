"""`arches preview`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    *,
    stack: Stack = DEFAULT_STACK,
    offline: Annotated[bool, typer.Option("--offline", help="Evaluate in this process, even with an engine.")] = False,
    against: Annotated[str, typer.Option("--against", help="Git revision to compare with, offline.")] = "HEAD",
    diff: Annotated[bool, typer.Option("--diff", help="Show each property that changes.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Compare with the cluster, not with the state.")] = False,
    policy: Annotated[bool, typer.Option("--policy", help="Also check against the policy pack.")] = False,
    save_plan: Annotated[
        Path | None, typer.Option("--save-plan", help="Write a plan that `arches up --plan` applies.", dir_okay=False)
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if anything would change (offline only).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts and `arches digest`.")] = False,
) -> None:
    """Show what `up` would do.

    With the Pulumi engine it compares with the state, or with --refresh with the cluster.

    Without an engine it evaluates the program offline and compares with a Git revision.

    It changes no file of the project.
    """
    from archesai_infra.cli.preview.choice import Choice
    from archesai_infra.cli.preview.run import run

    choice = Choice(diff=diff, refresh=refresh, policy=policy, json=json, exit_code=exit_code, save_plan=save_plan)
    run(stack, choice, offline=offline, against=against)
