"""Files that are written as a whole or not at all: a full disk or Ctrl-C leaves no half of one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from archesai_infra.cli.base.errors import CommandError, Exit

_OF_THE_DIRECTORY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
"""Errors of a new file that its directory or the disk is the reason of."""


def create(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file that does not exist yet; raises FileExistsError where it does, and OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        if error.errno in _OF_THE_DIRECTORY:
            error.filename = str(path.parent)
        raise
    with _removed_where_it_fails(path, path), os.fdopen(descriptor, "wb") as file:
        file.write(content)


def put(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file aside and rename it: what had its name, a link for one, is replaced. Raises OSError."""
    aside = _aside(path)
    with _removed_where_it_fails(aside, path):
        create(aside, content, mode)
        aside.replace(path)


def replace(path: Path, content: bytes) -> None:
    """Give a file other content in one step, with its mode; a link stays one.

    Raises OSError, and CommandError for a file that is read-only, which a rename would not respect.
    """
    path = path.resolve()
    require_writable(path)
    aside = _aside(path)
    with _removed_where_it_fails(aside, path):
        create(aside, content, 0o600)
        shutil.copymode(path, aside)
        aside.replace(path)


def require_writable(path: Path) -> None:
    """Raise CommandError for a file that this user may not write."""
    if not os.access(path, os.W_OK):
        raise CommandError(f"{path}: is read-only for this user; make it writable: chmod u+w {path}", Exit.FOUND)


def home() -> Path:
    """The user's home directory; `/dev/null`, below which nothing is, for a user without one, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def _aside(path: Path) -> Path:
    """A name beside the file: a rename works within one file system only."""
    return path.with_name(f".{path.name}.{os.getpid()}")


@contextmanager
def _removed_where_it_fails(written: Path, meant: Path) -> Generator[None]:
    """Remove what was written; the error names the file that was meant."""
    try:
        yield
    except BaseException as error:
        written.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(written)):
            error.filename = str(meant)
        raise
