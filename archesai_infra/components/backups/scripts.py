"""What runs in the pods that make, restore and try dumps: POSIX sh for Debian's tools and for busybox.

The files are in the directory `scripts`. Each reads its settings from the environment.
"""

from __future__ import annotations

from archesai_infra.components.base.scripts import scripts

PATH = "/etc/archesai"
"""Where the scripts are mounted; `$SCRIPTS` in the pods."""
_PACKAGE = "archesai_infra.components.backups"


def dump_files() -> dict[str, str]:
    """Scripts of the dump pod by file name."""
    return scripts(
        _PACKAGE,
        "store.sh",
        "list.sh",
        "connection.sh",
        "archive.sh",
        "rows.awk",
        "dump-database.sh",
        "roles.sh",
        "load.sh",
        "settings.sh",
        "create.sh",
        "restore-database.sh",
        "dump-redis.sh",
        "restore-redis.sh",
        "page.lua",
    )


def drill_files() -> dict[str, str]:
    """Scripts of the drill by file name."""
    return scripts(_PACKAGE, "store.sh", "connection.sh", "archive.sh", "rows.awk", "roles.sh", "load.sh", "drill.sh")


def archive_drill_files() -> dict[str, str]:
    """Scripts of the drill of the archive by file name."""
    own = ("tables.sql", "archive-mark.sh", "archive_fetch.py", "archive-segment.sh", "archive-drill.sh")
    return scripts(_PACKAGE, "connection.sh", *own)


def upgrade_files() -> dict[str, str]:
    """Scripts that copy the database to a server of another major version, by file name."""
    names = ("store.sh", "connection.sh", "archive.sh", "rows.awk", "roles.sh", "load.sh", "settings.sh", "create.sh")
    own = ("hold.sh", "content.sh", "dump-database.sh", "restore-database.sh", "upgrade-database.sh")
    return scripts(_PACKAGE, *names, *own)


def move_files() -> dict[str, str]:
    """Scripts that move the database to the cluster, by file name."""
    return scripts(_PACKAGE, "connection.sh", "create.sh", "hold.sh", "content.sh", "source.sh", "move-database.sh")


def objects_files() -> dict[str, str]:
    """Scripts of the objects' copy by file name."""
    return scripts(_PACKAGE, "objects.sh")


def run(script: str, timeout: str | None = None) -> list[str]:
    """The command that runs a script; `timeout` names the variable with its time in seconds.

    The shell that Velero times out runs on: only a limit of the script's own ends it, with everything it started.
    """
    bounded = f'timeout -k 10 "${timeout}" ' if timeout else ""
    return ["/bin/sh", "-c", f'exec {bounded}/bin/sh "$SCRIPTS/{script}" "$@"', script]
