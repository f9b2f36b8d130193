"""A stack file that a command writes and applies."""

from __future__ import annotations

from archesai_infra.cli.base.project import root
from archesai_infra.cli.config.edit import replace_file
from archesai_infra.cli.engine.operations import Change, up


def apply_stack_file(stack: str, text: str, *, local_state: bool) -> None:
    """Write the text of a stack file and apply it without a question; raises CommandError where that fails."""
    replace_file(root() / f"Pulumi.{stack}.yaml", text)
    up(stack, Change(yes=True, local_state=local_state))
