"""What the engine reports while it works, collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pulumi.automation.events import StepEventStateMetadata


class Operation(NamedTuple):
    """A step that the engine takes or would take."""

    kind: str
    """Such as `create`, `update`, `delete`, `replace` and the steps of a replacement."""
    urn: str
    differing: tuple[str, ...]
    """Properties that differ."""


def collect_operations(operations: list[Operation]) -> Callable[[object], None]:
    """A handler of the Automation API's events that appends every step."""

    def collect(event: object) -> None:
        step = getattr(event, "resource_pre_event", None)
        if step is not None:
            metadata = step.metadata
            operations.append(Operation(str(metadata.op.value), str(metadata.urn), tuple(metadata.diffs or ())))

    return collect


def collect_steps(steps: list[dict[str, Any]]) -> Callable[[object], None]:
    """A handler that appends every step in the form of `pulumi preview --json`, secret values masked by the engine."""

    def collect(event: object) -> None:
        pre = getattr(event, "resource_pre_event", None)
        if pre is not None:
            metadata = pre.metadata
            steps.append(
                {
                    "op": str(metadata.op.value),
                    "urn": str(metadata.urn),
                    "oldState": _state(metadata.old),
                    "newState": _state(metadata.new),
                    "detailedDiff": dict.fromkeys(metadata.detailed_diff or ()),
                    "replaceReasons": list(metadata.keys or ()),
                }
            )

    return collect


def _state(state: StepEventStateMetadata | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {"type": state.type, "inputs": state.inputs or {}, "retainOnDelete": bool(state.retain_on_delete)}


def collect_violations(violations: list[str]) -> Callable[[object], None]:
    """A handler that appends what breaks a policy, as `policy: message`."""

    def collect(event: object) -> None:
        violation = getattr(event, "policy_event", None)
        if violation is not None:
            violations.append(f"{violation.policy_name}: {violation.message.strip().splitlines()[-1]}")

    return collect
