"""The Pulumi engine: the one on PATH, one that the project fetched before, or one fetched now."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from pathlib import Path as RealPath

import typer
from pulumi.automation import PulumiCommand
from semver import VersionInfo

from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.cli.base.project import STATE

DOWNLOADS = "get.pulumi.com"
"""Where Pulumi publishes its engine."""
CONNECT_SECONDS = 3


class NoEngineError(Exception):
    """There is no engine and none can be had; the text says why and both ways out."""


@dataclass(frozen=True)
class Engine:
    """An engine that can run the program."""

    command: Path


def wanted() -> str:
    """The engine's version that the project is pinned to: that of its SDK."""
    return version("pulumi")


def present(root: Path) -> Engine | None:
    """The engine on PATH, or the one fetched before."""
    found = shutil.which("pulumi")
    if found:
        return Engine(RealPath(found))
    fetched = root / STATE / "pulumi" / "bin" / "pulumi"
    return Engine(fetched) if fetched.is_file() else None


def reason_for_none() -> str:
    """Why there is no engine, and how to get one, in a sentence."""
    return (
        f"there is no `pulumi` on PATH and {DOWNLOADS} cannot be reached; "
        f"install pulumi {wanted()} (https://www.pulumi.com/docs/install) or run again with network"
    )


def obtain(root: Path) -> Engine:
    """An engine, fetched with visible progress if need be; raises NoEngineError."""
    engine = present(root)
    if engine is not None:
        return engine
    if not _reachable():
        raise NoEngineError(reason_for_none())
    return _fetch(root)


def needed(root: Path) -> Engine:
    """The same for a command that cannot do without; raises CommandError."""
    try:
        return obtain(root)
    except NoEngineError as error:
        raise CommandError(f"this needs the Pulumi engine: {error}", Exit.ENGINE) from None


def _reachable() -> bool:
    try:
        with socket.create_connection((DOWNLOADS, 443), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _fetch(root: Path) -> Engine:

    where = root / STATE / "pulumi"
    typer.echo(f"Fetching the Pulumi engine {wanted()} into {where.relative_to(root)} …", err=True)
    try:
        PulumiCommand.install(str(where), VersionInfo.parse(wanted()))
    except Exception as error:
        raise NoEngineError(
            f"fetching pulumi {wanted()} from {DOWNLOADS} failed ({error}); {reason_for_none()}"
        ) from error
    return Engine(where / "bin" / "pulumi")
