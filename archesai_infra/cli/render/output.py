"""Write manifests: to standard output, or into a directory that holds nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.files import put
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.base.text import counted
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.render import MARKER, files, hidden_secrets, marker, stream

_SHOWN = 5
"""Foreign files that a refusal names."""


def render(stack: str, out: Path | None, *, show_secrets: bool, check: bool) -> None:
    """Render a stack; raises CommandError where the output would destroy or hide something."""
    if check and out is None:
        raise CommandError("--check compares with a directory: add --output <directory>", Exit.INPUT)
    raw = checked_stack(stack)
    if show_secrets and raw.secret_keys:
        keys = ", ".join(sorted(raw.secret_keys))
        raise CommandError(
            f"--show-secrets: {keys} cannot be decrypted without the engine; render without the option", Exit.INPUT
        )
    evaluation = evaluate(raw, reveal=show_secrets)
    if out is None:
        sys.stdout.write(stream(evaluation))
    elif check:
        _check(out, files(evaluation), stack)
        return
    else:
        _write(out, files(evaluation), 0o600 if show_secrets else 0o644)
    for line in left_out(evaluation):
        typer.echo(line, err=True)


def left_out(evaluation: Evaluation) -> list[str]:
    """The Secrets that the manifests lack, and how to have them; empty where there are none."""
    names = hidden_secrets(evaluation)
    if not names:
        return []
    how = (
        "`arches up` creates them. Without it create them yourself or with External Secrets, and name them in the "
        "stack file (<module>.existingSecret): then they are not part of the stack."
    )
    return [f"Left out, because their values are hidden: Secret {', '.join(names)}", how]


def _check(directory: Path, wanted: dict[str, str], stack: str) -> None:
    current = {name: (directory / name).read_text(encoding="utf-8") for name in _files(directory) - {MARKER}}
    stale = sorted(name for name in {*current, *wanted} if current.get(name) != wanted.get(name))
    for name in stale:
        what = "missing" if name not in current else "left over" if name not in wanted else "differs"
        typer.echo(f"error: {directory / name}: {what}", err=True)
    if stale:
        raise CommandError(f"{directory} is not what stack {stack} renders to; render it again", Exit.FOUND)


def _write(directory: Path, wanted: dict[str, str], mode: int) -> None:
    """Write what a render makes, with the files' mode; raises CommandError for files that no render wrote."""
    if directory.exists() and not directory.is_dir():
        raise CommandError(f"{directory}: is a file; name a directory", Exit.INPUT)
    present = _files(directory)
    earlier = _earlier(directory)
    foreign = sorted(present - {*wanted} - earlier - {MARKER})
    if foreign:
        shown = ", ".join(foreign[:_SHOWN]) + (", …" if len(foreign) > _SHOWN else "")
        raise CommandError(
            f"{directory} holds {counted(len(foreign), 'file')} that no render wrote ({shown}); nothing was changed: "
            "name an empty directory, or move them away",
            Exit.INPUT,
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        _replace(directory, name, text, mode)
    for name in sorted((earlier & present) - {*wanted}):
        (directory / name).unlink()
        typer.echo(f"removed {directory / name}: no longer part of the stack", err=True)
    _replace(directory, MARKER, marker(wanted), 0o644)
    typer.echo(f"{counted(len(wanted), 'file')} in {directory}", err=True)


def _replace(directory: Path, name: str, text: str, mode: int) -> None:
    """Write a file aside and rename it: whatever had its name, a link for one, is replaced and not written through."""
    path = directory / name
    for parent in [*path.parents][: len(Path(name).parts) - 1]:
        if parent.is_symlink():
            raise CommandError(f"{parent}: is a symbolic link; a render writes into no other directory", Exit.INPUT)
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, text.encode(), mode)


def _files(directory: Path) -> set[str]:
    """Files below a directory, as paths relative to it; of symbolic links only the link."""
    return {
        (Path(parent) / name).relative_to(directory).as_posix()
        for parent, _, names in os.walk(directory)
        for name in names
    }


def _earlier(directory: Path) -> set[str]:
    """What an earlier render wrote into a directory, by its own list."""
    path = directory / MARKER
    return {line for line in path.read_text(encoding="utf-8").splitlines() if line} if path.is_file() else set()
