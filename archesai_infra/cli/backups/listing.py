"""The list of a stack's backups."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from archesai_infra.cli.backups.archives import archive_cells, archives
from archesai_infra.cli.backups.cost import in_the_bucket
from archesai_infra.cli.backups.store import Store, contents, copied_bytes, open_store, problems
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.base.text import duration, moment, size


def print_backups(stack: str, *, json: bool) -> None:
    """Print the backups, the newest first, and the archives of the database.

    Exits with 1 where the newest backup is not good or there is none, and where an archive in use is not good.
    """
    with open_store(stack) as store:
        backups = [_describe(store, backup) for backup in store.backups()]
        archived = archives(store, datetime.now(UTC))
    if json:
        print_json([*backups, *archived])
    elif backups:
        print_table(["Backup", "Age", "Size", "Phase", "Dumps", ""], map(_cells, backups))
        if largest := max((int(backup["bytes"]) for backup in backups), default=0):
            typer.echo(in_the_bucket(store.settings.backups, largest))
    if archived and not json:
        print_table(["Archive", "Cluster", "From", "Base backups", "Newest", ""], map(archive_cells, archived))
    if not json and not backups:
        typer.echo(f"Stack {stack} has no backups; create one: arches backup create --wait --stack {stack}", err=True)
    ended = [backup for backup in backups if backup["ended"]]
    if not ended or ended[0]["problems"] or any(archive["problems"] for archive in archived):
        raise typer.Exit(Exit.FOUND)


def _cells(backup: Object) -> list[str]:
    return [
        str(backup["name"]),
        duration(float(backup["ageSeconds"])),
        size(int(backup["bytes"])),
        str(backup["phase"]),
        ", ".join(backup["contents"]) or "-",
        "; ".join(backup["problems"]) or "ok",
    ]


def _describe(store: Store, backup: Object) -> Object:
    volumes = store.volumes(backup)
    status = backup.get("status", {})
    now = datetime.now(UTC)
    begun = status.get("startTimestamp") or backup["metadata"].get("creationTimestamp")
    return {
        "name": backup["metadata"]["name"],
        "ageSeconds": round((now - moment(begun)).total_seconds()) if begun else 0,
        "bytes": copied_bytes(volumes),
        "phase": status.get("phase") or "New",
        "ended": bool(status.get("completionTimestamp")),
        "contents": contents(backup),
        "expires": status.get("expiration"),
        "problems": problems(backup, volumes),
    }
