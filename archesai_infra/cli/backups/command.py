"""`arches backup`, `arches backups`, `arches restore` and `arches recovery-kit`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli.base.console import print_json, print_table
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack

if TYPE_CHECKING:
    from archesai_infra.cli.backups.restore_plan import Step
    from archesai_infra.cli.backups.store import Store
    from archesai_infra.cli.base.cluster import Object

Timeout = Annotated[int, typer.Option("--timeout", min=1, help="Time to wait, in seconds.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup)
    app.command("backups")(backups)
    app.command("restore")(restore)
    app.command("recovery-kit")(recovery_kit)


def _open(context: typer.Context, stack: str) -> Store:
    """The stack's store, closed when the command ends."""
    from archesai_infra.cli.backups.store import open_store

    store = open_store(stack)
    context.call_on_close(store.cluster.close)
    return store


@friendly
def backup(
    context: typer.Context,
    *,
    stack: Stack = DEFAULT_STACK,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for it and prove it.")] = False,
    timeout: Timeout = 7200,
    json: Json = False,
) -> None:
    """Make a backup now. With --wait, exits 1 unless it holds a dump of its own, and 6 if it takes too long."""
    from archesai_infra.cli.backups.create import finish, start
    from archesai_infra.cli.backups.store import size_text

    store = _open(context, stack)
    name = start(store)
    if not wait:
        typer.echo(name)
        return
    result = finish(store, name, timeout)
    if json:
        print_json(asdict(result))
    else:
        typer.echo(f"{result.name}: {result.phase}, {size_text(result.bytes)}, {_dumps(result.dumps)}")
    if result.problems:
        raise CommandError("\n".join(f"{name} is no backup: {problem}" for problem in result.problems), Exit.FOUND)


def _dumps(dumps: dict[str, str]) -> str:
    return ", ".join(f"{module} {name}" for module, name in dumps.items()) or "no dump"


@friendly
def backups(context: typer.Context, *, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """List the backups of a stack: age, size, phase and what each holds. Exits 1 if the newest is not good."""
    from archesai_infra.cli.backups.store import duration_text, size_text

    store = _open(context, stack)
    found = [_describe(store, one) for one in store.backups()]
    if json:
        print_json(found)
    else:
        rows = [
            [
                str(one["name"]),
                duration_text(float(one["ageSeconds"])),
                size_text(int(one["bytes"])),
                str(one["phase"]),
                ", ".join(one["contents"]) or "-",
                "ok" if not one["problems"] else "; ".join(one["problems"]),
            ]
            for one in found
        ]
        print_table(["Backup", "Age", "Size", "Phase", "Dumps", ""], rows)
    ended = [one for one in found if one["ended"]]
    if not ended or ended[0]["problems"]:
        raise typer.Exit(Exit.FOUND)


def _describe(store: Store, one: Object) -> Object:
    from archesai_infra.cli.backups.store import contents, copied_bytes, moment, problems

    volumes = store.volumes(one)
    status = one.get("status", {})
    made = moment(one["metadata"].get("creationTimestamp")) or datetime.now(UTC)
    begun = moment(status.get("startTimestamp")) or made
    return {
        "name": one["metadata"]["name"],
        "ageSeconds": round((datetime.now(UTC) - begun).total_seconds()),
        "bytes": copied_bytes(volumes),
        "phase": status.get("phase") or "New",
        "ended": bool(status.get("completionTimestamp")),
        "contents": contents(one),
        "expires": status.get("expiration"),
        "problems": problems(one, volumes),
    }


@friendly
def restore(
    context: typer.Context,
    *,
    stack: Stack = DEFAULT_STACK,
    source: Annotated[str, typer.Option("--from", help="Name of a backup, or latest.")],
    into: Annotated[str | None, typer.Option("--into", help="Namespace for a copy beside the stack.")] = None,
    module: Annotated[
        str | None, typer.Option("--module", help="Only the content of database, redis or storage.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would happen and end.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", help="The namespace's name, instead of typing it.")
    ] = None,
    timeout: Timeout = 4 * 3600,
) -> None:
    """Restore a backup. Exits 1 if it fails, 2 if it must not begin, and 6 if it takes too long."""
    from archesai_infra.cli.backups import restore_plan, restore_run

    store = _open(context, stack)
    store.check_location()
    found = store.backup(source)
    target = restore_run.look(store, into or store.settings.namespace)
    reasons = restore_plan.refusals(
        found, store.volumes(found), target, module=module, into=into, now=datetime.now(UTC)
    )
    if reasons:
        raise CommandError("\n".join(reasons), Exit.INPUT)
    if module is None:
        steps = restore_plan.whole(store.settings, stack, found, into, target.volumes)
    else:
        on_volume = restore_run.dump_on_volume(store, found, module)
        steps = restore_plan.one_module(stack, found, module, target.namespace, on_volume=on_volume)
    _show(store, found, target.namespace, steps)
    if plan:
        return
    _confirm(store, target.namespace, confirm)
    restore_run.Run(store, found, target.namespace, timeout, in_place=module is not None).carry_out(steps)
    typer.echo(f"restored {found['metadata']['name']} into namespace {target.namespace}")
    if module is None and into is None:
        typer.echo(f"next: arches up --refresh --stack {stack} (it makes finished Jobs anew, such as the migrations)")


def _show(store: Store, found: Object, namespace: str, steps: list[Step]) -> None:
    begun = found.get("status", {}).get("startTimestamp")
    typer.echo(f"Restore of {found['metadata']['name']}, made {begun}, into namespace {namespace}")
    typer.echo(f"of context {store.cluster.context}:")
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {step.text}")


def _confirm(store: Store, namespace: str, given: str | None) -> None:
    """Production is typed; elsewhere a yes will do."""
    if given is not None:
        if given != namespace:
            raise CommandError(f"--confirm {given}: is not the namespace {namespace}", Exit.INPUT)
    elif not store.settings.production:
        typer.confirm("Go on?", abort=True)
    elif typer.prompt(f"This is production. Type the namespace, {namespace}, to go on") != namespace:
        raise CommandError("not confirmed; nothing was changed", Exit.INPUT)


@friendly
def recovery_kit(
    context: typer.Context,
    *,
    stack: Stack = DEFAULT_STACK,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; it must not exist.")],
) -> None:
    """Write what a restore elsewhere needs: passwords, passphrase, stack file and how. Keep the file outside."""
    from archesai_infra.cli.backups import recovery_kit as recovery
    from archesai_infra.cli.base import project

    store = _open(context, stack)
    recovery.write(recovery.collect(store, project.root()), output)
    typer.echo(f"{output}: keep it where neither the cluster nor the bucket is; it opens all data")
