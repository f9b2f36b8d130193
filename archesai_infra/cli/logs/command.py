"""`arches logs`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Stack


def complete_modules(incomplete: str) -> list[str]:
    """Modules with pods, for the shell."""
    from archesai_infra.cli.base.completion import module_names

    return module_names(incomplete)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


def logs(
    module: Annotated[str, typer.Argument(help="Module, such as api.", autocompletion=complete_modules)],
    *,
    stack: Stack = DEFAULT_STACK,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until Ctrl-C.")] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Logs of the previous container.")] = False,
    tail: Annotated[int, typer.Option("--tail", min=0, help="Lines of each container.")] = 100,
    since: Annotated[int | None, typer.Option("--since", min=1, help="Only the last seconds, such as 600.")] = None,
) -> None:
    """Print the logs of a module's pods, each line with the pod's name."""
    from archesai_infra.cli.logs.merging import Choice, print_logs

    print_logs(stack, module, Choice(follow=follow, previous=previous, tail=tail, since=since))
