"""The `arches` command: one module for each sub-command, loaded only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "preview": "preview",
    "render": "render",
    "up": "up",
    "destroy": "up",
    "config": "config.command",
    "graph": "graph",
    "diff": "diff",
    "doctor": "doctor.command",
    "status": "status.command",
    "logs": "logs",
    "secrets": "secrets",
    "digest": "digest.command",
    "review": "digest.command",
    "cluster": "local_cluster",
    "import-values": "import_values.command",
    "adopt": "adopt.command",
    "backup": "backups.command",
    "backups": "backups.command",
    "restore": "backups.command",
    "recovery-kit": "backups.command",
}
"""Module of `archesai_infra.cli` by command, in the order of the help."""


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is asked for: a preview must not wait for the others."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - the group's protocol, whose types are private
        """Names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - likewise
        """The command, from its module's `register`."""
        if cmd_name not in COMMANDS:
            return None
        holder = typer.Typer()
        import_module(f"archesai_infra.cli.{COMMANDS[cmd_name]}").register(holder)
        # A Typer with one command is that command; with a callback it stays a group.
        holder.callback()(lambda: None)
        return typer.main.get_group(holder).get_command(ctx, cmd_name)


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def arches() -> None:
    """Deploy and operate Arches on Kubernetes."""


def main() -> None:
    """Entry point of the `arches` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
