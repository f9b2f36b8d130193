"""What the program of a Git revision declares for a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.git import git
from archesai_infra.cli.preview.declaration import PROGRAM
from archesai_infra.stack.config import RawConfig


@dataclass(frozen=True)
class Revision:
    """A commit, and what it declares."""

    title: str
    """Such as `commit 1a2b3c4`."""
    same: bool
    """Neither the program nor the stack file differs from the working tree."""
    states: Mapping[str, dict[str, Any]]
    """The declared resources by URN; empty where the stack has no file in it, or nothing differs."""


def revision(root: Path, raw: RawConfig, name: str) -> Revision | None:
    """A revision of the project, evaluated; None where the project is no Git repository or has no commit.

    Raises CommandError for an unknown revision, and for a program that cannot be evaluated any more.
    """
    commit = git(root, "rev-parse", "--verify", "--quiet", "--short", f"{name}^{{commit}}")
    if commit is None:
        if name != "HEAD":
            raise CommandError(f"--against {name}: Git knows no such revision here", Exit.INPUT)
        return None
    title, file = f"commit {commit.decode().strip()}", f"Pulumi.{raw.stack}.yaml"
    same_program = _is_program_of(root, name)
    before = git(root, "show", f"{name}:./{file}")
    if same_program and before == (root / file).read_bytes():
        return Revision(title, same=True, states={})
    if before is None:
        return Revision(title, same=False, states={})
    # Evaluates and unpacks; most previews need neither.
    from archesai_infra.cli.preview.earlier import Earlier, states

    return Revision(title, same=False, states=states(Earlier(root, name, raw.stack, before), same_program=same_program))


def _is_program_of(root: Path, name: str) -> bool:
    """Whether the program in the working tree is that of a revision, files that Git does not know included."""
    if git(root, "status", "--porcelain", "--", PROGRAM) != b"":
        return False
    return name == "HEAD" or git(root, "diff", "--quiet", name, "--", PROGRAM) is not None
