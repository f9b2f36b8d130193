"""`arches config edit`: the stack file in the user's editor, saved only where it has no new mistake."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir

import typer

from archesai_infra.cli.base import files, project
from archesai_infra.cli.base.confirm import confirm
from archesai_infra.cli.base.console import print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.config.edit import new_mistakes, replace_file

_EDITORS = ("nano", "vim", "vi")
"""Editors to try where the user has chosen none."""


def edit(stack: str) -> None:
    """Edit a stack file; where the result is not saved, the file stays as it was and the edited text is kept elsewhere.

    Raises CommandError, ConfigError and OSError.
    """
    path = project.root() / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        read_stack(stack)
    before = _text(path, path.name)
    files.require_writable(path)
    # Beside the file, so that the schema that it names is found from the copy too.
    copy = path.with_name(f".{path.name}")
    files.put(copy, before.encode(), 0o600)
    try:
        after = _edited(copy, stack)
        if after != before:
            replace_file(path, after)
    except BaseException:
        _keep(copy, before, stack)
        raise
    copy.unlink()
    if after == before:
        typer.echo(f"{path.name} is unchanged")
        return
    print_lines([f"{path.name} is changed; see what that changes: arches preview --stack {stack}"])


def _keep(copy: Path, before: str, stack: str) -> None:
    """Move a text that was not saved out of the project, readable by its owner only; without room it stays."""
    if not copy.is_file():
        return
    text = copy.read_bytes()
    if text == before.encode():
        copy.unlink()
        return
    place = Path(gettempdir(), f"Pulumi.{stack}.{token_hex(4)}.yaml")
    try:
        files.create(place, text, 0o600)
        copy.unlink()
    except OSError:
        place = copy
    typer.echo(f"Your text is kept in {place}; Pulumi.{stack}.yaml is as it was.", err=True)


def _edited(copy: Path, stack: str) -> str:
    """The text without new mistakes; the user may correct them as often as it takes."""
    while True:
        status = subprocess.run([*_editor(), str(copy)], check=False).returncode
        if status:
            raise CommandError(f"the editor ended with status {status}; nothing was changed", Exit.FOUND)
        text = _text(copy, f"Pulumi.{stack}.yaml")
        mistakes = new_mistakes(text, stack)
        if not mistakes:
            return text
        if not sys.stdin.isatty():
            raise CommandError("\n".join(mistakes), Exit.INPUT)
        for mistake in mistakes:
            typer.echo(f"error: {mistake}", err=True)
        confirm("Edit again?", instead="EDITOR=<command>")


def _text(path: Path, name: str) -> str:
    """The text of a file; raises CommandError for bytes that are none, which an edit would change."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{name}: byte {error.start + 1}: must be UTF-8 text", Exit.INPUT) from None


def _editor() -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        try:
            words = shlex.split(chosen)
        except ValueError as error:
            reason = str(error).lower()
            raise CommandError(f"{chosen}: is no command ({reason}): correct VISUAL or EDITOR", Exit.INPUT) from None
        if not words or shutil.which(words[0]) is None:
            raise CommandError(f"{chosen}: no such editor: set VISUAL or EDITOR to one", Exit.INPUT)
        return words
    found = next((editor for editor in _EDITORS if shutil.which(editor)), None)
    if found is None:
        raise CommandError(f"no editor on PATH ({', '.join(_EDITORS)}): set VISUAL or EDITOR to one", Exit.INPUT)
    return [found]
