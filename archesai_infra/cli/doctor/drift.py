"""Whether the cluster, the state and the program still agree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pulumi.automation import CommandError

from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped
from archesai_infra.cli.engine.engine import present
from archesai_infra.cli.engine.operations import HEALING
from archesai_infra.cli.engine.state import environment
from archesai_infra.cli.engine.workspace import open_stack

CHANGES = ("create", "update", "replace", "delete")
"""What makes a difference; of a replacement only the step that says so."""


def drift_of(root: Path, stack: str) -> Finding:
    """What an `up --refresh` would change. Reads the whole stack from the cluster: seconds, not milliseconds."""
    engine = present(root)
    if engine is None:
        return skipped("drift", "needs the engine")
    counts: Counter[str] = Counter()

    def count(event: object) -> None:
        step = getattr(event, "resource_pre_event", None)
        if step is not None:
            counts[str(step.metadata.op.value)] += 1

    try:
        open_stack(root, stack, engine, environment(root) | HEALING).preview(refresh=True, on_event=count)
    except CommandError as error:
        return problem("drift", f"the preview fails: {_sentence(str(error))}", "see `arches preview --refresh`")
    told = ", ".join(f"{counts[kind]} to {kind}" for kind in CHANGES if counts[kind])
    if told:
        cure = f"look: arches preview --refresh -s {stack}"
        return problem("drift", f"cluster, state and program differ: {told}", cure)
    return ok("drift", "cluster, state and program agree")


def _sentence(text: str) -> str:
    """The engine's own sentence, in the midst of what it said."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line and not line.endswith("preview failed")), lines[-1])
