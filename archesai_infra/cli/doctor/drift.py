"""Whether the cluster, the state and the program still agree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pulumi.automation import CommandError

from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped
from archesai_infra.cli.engine.engine import present
from archesai_infra.cli.engine.events import Operation, collect_operations
from archesai_infra.cli.engine.operations import FORCING
from archesai_infra.cli.engine.state import environment
from archesai_infra.cli.engine.workspace import open_stack, unchanged

CHANGES = ("create", "update", "replace", "delete")
"""Operations that count as a difference; of the steps of a replacement only the first."""


def drift_of(root: Path, stack: str) -> Finding:
    """What an `up --refresh` would change. Reads the whole stack from the cluster: seconds, not milliseconds."""
    engine = present(root)
    if engine is None:
        return skipped("drift", "needs the engine")
    operations: list[Operation] = []
    variables = environment(root) | FORCING
    try:
        with unchanged(root / f"Pulumi.{stack}.yaml"):
            stack_of_engine = open_stack(root, stack, engine, variables)
            stack_of_engine.preview(refresh=True, on_event=collect_operations(operations))
    except CommandError as error:
        return problem("drift", f"the preview fails: {_sentence(str(error))}", "see `arches preview --refresh`")
    counts = Counter(operation.kind for operation in operations)
    changes = ", ".join(f"{counts[kind]} to {kind}" for kind in CHANGES if counts[kind])
    if changes:
        cure = f"arches preview --refresh -s {stack}"
        return problem("drift", f"cluster, state and program differ: {changes}", cure)
    return ok("drift", "cluster, state and program agree")


def _sentence(text: str) -> str:
    """The engine's own error, among the rest of its output."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line and not line.endswith("preview failed")), lines[-1])
