"""`arches config edit`: the stack file in the user's editor, saved only where it has no new mistake."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkstemp

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.confirm import confirm
from archesai_infra.cli.base.console import print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.config.edit import new_mistakes, replace_file

_EDITORS = ("nano", "vim", "vi")
"""Editors to try where the user has chosen none."""


def edit(stack: str) -> None:
    """Edit a stack file; with a mistake in it, the file stays as it was and the edited text is kept elsewhere.

    Raises CommandError and ConfigError.
    """
    path = project.root() / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        read_stack(stack)
    before = _text(path, path.name)
    # Beside the file, so that the schema that it names is found from the copy too.
    copy = path.with_name(f".{path.name}")
    copy.write_text(before, encoding="utf-8")
    try:
        after = _edited(copy, stack)
    except CommandError:
        if (text := copy.read_text(encoding="utf-8", errors="replace")) != before:
            typer.echo(f"Your text is kept in {_kept(text, stack)}; {path.name} is as it was.", err=True)
        raise
    finally:
        copy.unlink()
    if after == before:
        typer.echo(f"{path.name} is unchanged")
        return
    replace_file(path, after)
    print_lines([f"{path.name} is changed; see what that changes: arches preview --stack {stack}"])


def _kept(text: str, stack: str) -> Path:
    """A file outside of the project, readable by its owner only, with a text that was refused."""
    descriptor, name = mkstemp(prefix=f"Pulumi.{stack}.", suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


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
