"""Put a running deployment into the state of a stack; only the policy of its volumes is changed in the cluster."""

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
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.events import Operation, collect_operations
from archesai_infra.cli.engine.interrupts import waiting_for_the_engine
from archesai_infra.cli.engine.workspace import open_stack
from archesai_infra.stack.evaluate import Evaluation


def known_urns(root: Path, stack: str, engine: Engine) -> frozenset[str]:
    """URNs in the state of a stack; none where there is no such stack. Raises CommandError."""
    exported = Command(root, stack, engine, state.environment(root)).find("stack", "export")
    return known(json.loads(exported)["deployment"]) if exported else frozenset()


def keep_volumes(cluster: Cluster, volumes: Iterable[DataVolume]) -> None:
    """Make every volume with data outlive its claim; raises CommandError before anything else happens."""
    for volume in volumes:
        try:
            keep_volume(cluster, volume.volume)
        except ClusterError as error:
            raise CommandError(
                f"volume {volume.volume} of {volume.module} would be deleted with its claim, and keeping it was "
                f"refused ({error.problem}); someone with the right runs: kubectl --context {cluster.context} patch "
                f"persistentvolume {volume.volume} "
                """--patch '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'""",
                Exit.CLUSTER,
            ) from None


def adopt(root: Path, engine: Engine, cluster: Cluster, plan: Plan, declared: Evaluation) -> None:
    """Write the settings and the state; a state after which anything would be replaced or deleted is taken back.

    It can be interrupted anywhere and started again: finished parts are skipped. Raises CommandError.
    """
    command = Command(root, plan.stack, engine, state.environment(root))
    _configure(command, plan.settings)
    stack = open_stack(root, plan.stack, engine, state.environment(root))
    names = urns(declared)
    providers = [
        names[resource.urn] for resource in declared.resources if resource.type == "pulumi:providers:kubernetes"
    ]
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
    operations: list[Operation] = []
    # What cannot be taken cannot be previewed either while it is in the way.
    refused = [names[item.resource.urn] for item in plan.items if item.fate is Fate.REFUSED and item.resource]
    _quietly(
        lambda: stack.preview(
            color="never",
            on_event=collect_operations(operations),
            exclude=refused or None,
            exclude_dependents=bool(refused) or None,
        )
    )
    if harm := harmful(operations, plan, names):
        raise CommandError(
            "the state was put back, because the next up would not keep what was taken: " + ", ".join(harm), Exit.FOUND
        )


def harmful(operations: Iterable[Operation], plan: Plan, names: Mapping[str, str]) -> list[str]:
    """What was taken and would be replaced or deleted by the operations of a preview."""
    taken = {names[item.resource.urn]: f"{item.kind} {item.name}" for item in plan.taken if item.resource}
    harm = {step.urn for step in operations if "replace" in step.kind or "delete" in step.kind}
    return sorted(taken[name] for name in harm & taken.keys())


def _configure(command: Command, settings: Iterable[Setting]) -> None:
    for setting in settings:
        flags = ["--secret"] if setting.secret else ["--path"] if "." in setting.key else []
        # Through standard input: every user of the machine can read a command line.
        command.run("config", "set", *flags, setting.key, stdin=setting.value)


def _adopted(deployment: dict[str, Any], declared: Evaluation, plan: Plan) -> dict[str, Any]:
    return with_adopted(deployment, declared, plan.taken, datetime.now(UTC).isoformat().replace("+00:00", "Z"))


def _import(command: Command, exported: dict[str, Any]) -> None:
    command.run("stack", "import", stdin=json.dumps(exported))


def _quietly(operation: Callable[[], object]) -> None:
    """Run the engine without its own output, except for its message when it fails; raises CommandError."""
    failure: EngineError | None = None
    with waiting_for_the_engine() as interruption:
        try:
            operation()
        except EngineError as error:
            failure = error
    if interruption.asked:
        raise CommandError("interrupted; the same command continues", Exit.INTERRUPTED)
    if failure is not None:
        raise CommandError(f"the engine failed; correct this, then run the command again:\n{failure}", Exit.STATE)
