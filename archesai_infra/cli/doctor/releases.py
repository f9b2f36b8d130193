"""Check of what killed runs left of Helm releases."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.doctor.report import Finding, ok, problem
from archesai_infra.cli.engine.leftovers import unfinished
from archesai_infra.stack.evaluate import Evaluation

_CHECK = "helm releases"


def releases(cluster: Cluster, declared: Evaluation, stack: str) -> Iterator[Finding]:
    """Whether Helm would refuse to go on; while an `up` runs, its release is unfinished too."""
    try:
        found = list(unfinished(declared, cluster, stack))
    except ClusterError as error:
        yield problem(_CHECK, error.problem, error.cure or "see the server's answer")
        return
    for record in found:
        cure = f"if no `up` is running: arches up --stack {stack} asks whether to delete the Secret, and continues"
        yield problem(_CHECK, record.line, cure)
    if not found:
        yield ok(_CHECK, f"{len(declared.releases)} declared, none is unfinished")
