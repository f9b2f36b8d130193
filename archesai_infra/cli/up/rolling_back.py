"""Go back to the stack file of an earlier commit."""

from __future__ import annotations

from pathlib import Path

import typer

from archesai_infra.cli.base import files
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.git import git
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import checked_stack, read_stack
from archesai_infra.cli.engine.operations import Change, up
from archesai_infra.stack.config import ConfigError


def roll_back(stack: str, revision: str | None, change: Change) -> None:
    """Restore the stack file and apply it; the file is put back where that is refused. Raises CommandError."""
    root = project_root()
    path = root / f"Pulumi.{stack}.yaml"
    now = path.read_bytes() if path.is_file() else b""
    if git(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        raise CommandError(
            "a rollback needs earlier versions of the stack file: there is no Git repository with a commit here, "
            "or no `git` on PATH",
            Exit.INPUT,
        )
    if not now and git(root, "show", f"HEAD:./{path.name}") is None:
        read_stack(stack)
    if git(root, "diff", "--quiet", "HEAD", "--", path.name) is None:
        raise CommandError(
            f"{path.name} has changes that are not committed: commit them first, or undo them", Exit.INPUT
        )
    commit = revision or _before(root, path, now)
    earlier = git(root, "show", f"{commit}:./{path.name}")
    if earlier is None:
        raise CommandError(f"{commit}: Git has no {path.name} there; name a commit with --to", Exit.INPUT)
    if earlier == now:
        raise CommandError(f"{path.name} is the same in {commit}; name an earlier commit with --to", Exit.INPUT)
    files.replace(path, earlier)
    typer.echo(f"{path.name} is that of {commit}; commit it when the stack is well again.")
    try:
        checked_stack(stack)
        up(stack, change)
    except (CommandError, ConfigError):
        files.replace(path, now)
        typer.echo(f"{path.name} is as it was before the rollback.", err=True)
        raise


def _before(root: Path, path: Path, now: bytes) -> str:
    """The commit whose stack file came before the current one."""
    commits = (git(root, "log", "-n", "20", "--format=%h", "--", path.name) or b"").decode().split()
    earlier = next((commit for commit in commits if git(root, "show", f"{commit}:./{path.name}") != now), None)
    if earlier is None:
        raise CommandError(f"Git has no earlier version of {path.name}", Exit.INPUT)
    return earlier
