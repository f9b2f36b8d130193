"""What `arches images` prints."""

from __future__ import annotations

from dataclasses import asdict

import typer

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.base.text import counted
from archesai_infra.cli.images import lock as locks
from archesai_infra.cli.images.listing import items

NO_DIGEST = "-"


def print_images(stack: str, *, digests: bool, lock: bool, json: bool) -> None:
    """Print a stack's images and charts; `digests` asks registries for missing digests, `lock` for all and writes them.

    Raises ConfigError and CommandError.
    """
    listed = items(read_stack(stack), lambda line: typer.echo(f"warning: {line}", err=True))
    if digests or lock:
        listed = locks.resolved(listed, again=lock)
    if lock:
        locks.write(listed, stack)
    if json:
        print_json([{"name": item.name, **asdict(item)} for item in listed])
    else:
        rows = (
            [item.kind, item.name, item.digest or NO_DIGEST, item.target, ", ".join(item.used_by)] for item in listed
        )
        print_table(["Kind", "Name", "Digest", "Pulled from", "Used by"], rows)
    if lock:
        if free := [item.name for item in listed if not item.lockable and not item.fixed]:
            typer.echo(f"warning: pulled by tag, as their charts take no digest: {', '.join(free)}", err=True)
        count = counted(len(locks.locked(listed)), "digest")
        typer.echo(f"{count} in Pulumi.{stack}.yaml; see what changes: arches preview --stack {stack}", err=True)
