"""A stack opened through the Automation API, on the project directory as it is."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pulumi import automation
from pulumi.automation import Stack

from archesai_infra.cli.base import files
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.engine import plugin
from archesai_infra.cli.engine.engine import Engine


def open_stack(root: Path, stack: str, engine: Engine, variables: dict[str, str]) -> Stack:
    """The stack, created in the state if it is not there yet; an engine that lacks the plugin gets it first."""
    try:
        command = automation.PulumiCommand(root=str(engine.root) if engine.root else None)
    except (OSError, ValueError, subprocess.CalledProcessError, automation.InvalidVersionError) as error:
        reason = f"status {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else one_line(error)
        raise CommandError(
            f"{engine.command} is not a working Pulumi engine ({reason}); install it again, or preview with --offline",
            Exit.ENGINE,
        ) from None
    plugin.provide(engine.command)
    options = automation.LocalWorkspaceOptions(pulumi_command=command, env_vars=variables, work_dir=str(root))
    return automation.create_or_select_stack(stack, work_dir=str(root), opts=options)


@contextmanager
def unchanged(path: Path) -> Generator[None]:
    """Put a file back as it was.

    The engine writes the salt of a passphrase into the stack file as soon as it opens a stack. After a look with the
    project's own passphrase, a person's own one would then be refused as incorrect.
    """
    before = path.read_bytes()
    try:
        yield
    finally:
        if path.read_bytes() != before:
            files.replace(path, before)
