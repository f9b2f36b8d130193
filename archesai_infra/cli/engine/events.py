"""What the engine reports while it works, collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


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


def collect_violations(violations: list[str]) -> Callable[[object], None]:
    """A handler that appends what breaks a policy, as `policy: message`."""

    def collect(event: object) -> None:
        violation = getattr(event, "policy_event", None)
        if violation is not None:
            violations.append(f"{violation.policy_name}: {violation.message.strip().splitlines()[-1]}")

    return collect
