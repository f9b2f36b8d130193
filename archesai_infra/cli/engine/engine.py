"""The Pulumi engine: the one on PATH, one that the project fetched before, or one fetched now."""

from __future__ import annotations

import shutil
import socket
import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import STATE
from archesai_infra.cli.engine.download import DOWNLOADS, DownloadError, install

CONNECT_SECONDS = 3
_BY_HAND = "docs/security.md, Check what you run, has the commands that install and check one"


class NoEngineError(Exception):
    """There is no engine and none can be fetched; the text says why, and both ways to get one."""


@dataclass(frozen=True)
class Engine:
    """An engine that can run the program."""

    command: Path
    root: Path | None = None
    """Directory of an installation by the project, with `bin/pulumi` below it; None for the one on PATH.

    The one on PATH may lie anywhere: version managers put a script of their own there.
    """


def wanted() -> str:
    """The engine's version that the project is pinned to: that of its SDK."""
    return version("pulumi")


def present(root: Path) -> Engine | None:
    """The engine on PATH, or the one fetched before."""
    on_path = shutil.which("pulumi")
    if on_path:
        return Engine(Path(on_path))
    fetched = _fetched(root)
    return fetched if fetched.command.is_file() else None


def _fetched(root: Path) -> Engine:
    where = root / STATE / "pulumi"
    return Engine(where / "bin" / "pulumi", where)


def reason_for_none() -> str:
    """Why there is no engine, and how to get one, in a sentence."""
    return (
        f"there is no `pulumi` on PATH and {DOWNLOADS} cannot be reached; "
        f"install pulumi {wanted()} (https://www.pulumi.com/docs/install) or run again with network"
    )


def obtain(root: Path) -> Engine:
    """An engine, fetched with visible progress if necessary; raises NoEngineError."""
    engine = present(root)
    if engine is not None:
        return engine
    if not _reachable():
        raise NoEngineError(reason_for_none())
    return _fetch(root)


def needed(root: Path) -> Engine:
    """The same for a command that cannot work without; raises CommandError."""
    try:
        return obtain(root)
    except NoEngineError as error:
        raise CommandError(f"this needs the Pulumi engine: {error}", Exit.ENGINE) from None


def _reachable() -> bool:
    """Whether the download server answers in time; a name server that does not answer takes a minute of its own."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with socket.create_connection((DOWNLOADS, 443), timeout=CONNECT_SECONDS):
                answers.append(True)
        except OSError:
            answers.append(False)

    question = threading.Thread(target=ask, daemon=True)
    question.start()
    question.join(CONNECT_SECONDS)
    return answers == [True]


def _fetch(root: Path) -> Engine:
    engine = _fetched(root)
    where = engine.root or root
    typer.echo(f"Fetching the Pulumi engine {wanted()} into {where.relative_to(root)} …", err=True)
    try:
        install(wanted(), where)
    except DownloadError as error:
        raise NoEngineError(f"pulumi {wanted()} was not installed: {error}; {_BY_HAND}") from None
    return engine
