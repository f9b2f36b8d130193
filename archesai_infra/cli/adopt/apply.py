"""Put a running deployment into the state of a stack; nothing of it is touched but the policy of its volumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError as EngineError
from pulumi.automation import Stack

from archesai_infra.cli.adopt.adoption import urns
from archesai_infra.cli.adopt.cluster import keep_volume, take_fields
from archesai_infra.cli.adopt.plan import DataVolume, Fate, Plan, Setting
from archesai_infra.cli.adopt.state import known, with_adopted
from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.interrupts import waiting_for_the_engine
from archesai_infra.cli.engine.workspace import open_stack
from archesai_infra.stack.evaluate import Evaluation


def known_urns(root: Path, stack: str, engine: Engine) -> frozenset[str]:
    """URNs in the state of a stack; none where there is no such stack. Raises CommandError."""
    exported = Command(root, stack, engine, state.environment(root)).find("stack", "export")
    return known(json.loads(exported)["deployment"]) if exported else frozenset()


def keep_volumes(cluster: Cluster, volumes: Iterable[DataVolume]) -> None:
    """Have every volume with data outlive its claim; raises CommandError before anything else happens."""
    for one in volumes:
        try:
            keep_volume(cluster, one.volume)
        except ClusterError as error:
            raise CommandError(
                f"volume {one.volume} of {one.module} would go with its claim, and keeping it was refused "
                f"({error.problem}); someone with the right runs: kubectl patch persistentvolume {one.volume} "
                """--patch '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'""",
                Exit.CLUSTER,
            ) from None


def adopt(root: Path, engine: Engine, cluster: Cluster, plan: Plan, declared: Evaluation) -> None:
    """Write the settings and the state; a state after which anything would be replaced or deleted is taken back.

    It can be cut off anywhere and begun again: each part is skipped where it is done. Raises CommandError.
    """
    command = Command(root, plan.stack, engine, state.environment(root))
    _configure(command, plan.settings)
    stack = open_stack(root, plan.stack, engine, state.environment(root))
    names = urns(declared)
    providers = [names[one.urn] for one in declared.resources if one.type == "pulumi:providers:kubernetes"]
    exported = json.loads(command.run("stack", "export"))
    if not known(exported["deployment"]) >= set(providers):
        _quietly(lambda: stack.up(target=providers, color="never", suppress_outputs=True, show_secrets=False))
        exported = json.loads(command.run("stack", "export"))
    for item in plan.taken:
        if item.live is not None:
            take_fields(cluster, item.live, item.setters)
    _import(command, exported | {"deployment": _adopted(exported["deployment"], declared, plan)})
    try:
        _check(stack, plan, names)
    except (CommandError, KeyboardInterrupt):
        _import(command, exported)
        raise


def _check(stack: Stack, plan: Plan, names: Mapping[str, str]) -> None:
    """Ask the engine what the next `up` would do to what was taken; raises CommandError unless it keeps all of it."""
    operations: list[tuple[str, str]] = []

    def collect(event: object) -> None:
        resource = getattr(event, "resource_pre_event", None)
        if resource is not None:
            operations.append((str(resource.metadata.op.value), str(resource.metadata.urn)))

    # What cannot be taken cannot be previewed either while it is in the way.
    refused = [names[item.resource.urn] for item in plan.items if item.fate is Fate.REFUSED and item.resource]
    _quietly(
        lambda: stack.preview(
            color="never", on_event=collect, exclude=refused or None, exclude_dependents=bool(refused) or None
        )
    )
    if harm := harmful(operations, plan, names):
        raise CommandError(
            "the state is as it was, for the next up would not keep what was taken: " + ", ".join(harm), Exit.FOUND
        )


def harmful(operations: Iterable[tuple[str, str]], plan: Plan, names: Mapping[str, str]) -> list[str]:
    """What was taken and would be replaced or deleted, from (operation, URN) of a preview."""
    taken = {names[item.resource.urn]: f"{item.kind} {item.name}" for item in plan.taken if item.resource}
    harm = {name for operation, name in operations if "replace" in operation or "delete" in operation}
    return sorted(taken[name] for name in harm & taken.keys())


def _configure(command: Command, settings: Iterable[Setting]) -> None:
    for one in settings:
        flags = ["--secret"] if one.secret else ["--path"] if "." in one.key else []
        # Through standard input: a command line can be read by everyone on the machine.
        command.run("config", "set", *flags, one.key, stdin=one.value)


def _adopted(deployment: dict[str, Any], declared: Evaluation, plan: Plan) -> dict[str, Any]:
    return with_adopted(deployment, declared, plan.taken, datetime.now(UTC).isoformat().replace("+00:00", "Z"))


def _import(command: Command, exported: dict[str, Any]) -> None:
    command.run("stack", "import", stdin=json.dumps(exported))


def _quietly(operation: Callable[[], object]) -> None:
    """Run the engine without its own output, but for what it says when it fails; raises CommandError."""
    said: EngineError | None = None
    with waiting_for_the_engine() as interruption:
        try:
            operation()
        except EngineError as error:
            said = error
    if interruption.asked:
        raise CommandError("interrupted; the same command again goes on", Exit.INTERRUPTED)
    if said is not None:
        raise CommandError(f"the engine failed; run the command again when this is mended:\n{said}", Exit.STATE)
