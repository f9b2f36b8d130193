"""Whether the classes of a stack's hosts are there, or free to be made."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped
from archesai_infra.cli.engine.classes import SETTINGS, taken
from archesai_infra.stack.evaluate import Evaluation

CHECK = "ingress class"


def findings(cluster: Cluster, evaluation: Evaluation) -> Iterator[Finding]:
    """Whether something serves the hosts; raises ClusterError."""
    settings = evaluation.settings.ingress
    if not settings.enabled:
        yield skipped(CHECK, "the ingress is off")
        return
    wanted = {"IngressClass": settings.class_name} if settings.by_ingress else {}
    wanted |= {"GatewayClass": settings.gateway.class_name} if settings.by_gateway else {}
    if settings.controller.install:
        problems = taken(cluster, evaluation.settings, evaluation.stack)
        yield from (problem(CHECK, *text.split(": ", 1)) for text in problems)
        if not problems:
            yield ok(CHECK, f"{', '.join(wanted.values())}, served by the stack's own controller")
        return
    for kind, name in wanted.items():
        yield _served(cluster, kind, name)


def _served(cluster: Cluster, kind: str, name: str) -> Finding:
    """Whether somebody's class is there."""
    found = cluster.find(path(kind)) or {"items": []}
    names = sorted(item["metadata"]["name"] for item in found["items"])
    if name in names:
        return ok(CHECK, name)
    return problem(
        CHECK,
        f"there is no {kind} {name}; there are {', '.join(names) or 'none'}",
        f"set {SETTINGS[kind]} to one of them, or ingress.controller.install to true",
    )
