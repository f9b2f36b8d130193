"""A stack opened through the Automation API, on the project directory as it is."""

from __future__ import annotations

from pathlib import Path

from pulumi import automation
from pulumi.automation import Stack

from archesai_infra.cli.engine.engine import Engine


def open_stack(root: Path, stack: str, engine: Engine, variables: dict[str, str]) -> Stack:
    """The stack, created in the state if it is not there yet."""
    command = automation.PulumiCommand(root=str(engine.command.parent.parent))
    options = automation.LocalWorkspaceOptions(pulumi_command=command, env_vars=variables, work_dir=str(root))
    return automation.create_or_select_stack(stack, work_dir=str(root), opts=options)
