"""How the cluster of PostgreSQL and its pooler are, in the words of their operator."""

from __future__ import annotations

from typing import Literal

from archesai_infra.cli.base.cluster import Object

Status = Literal["ok", "warning", "problem"]
HEALTHY = "Cluster in healthy state"


def postgres(live: Object) -> tuple[Status, str]:
    """Instances that are ready, who writes, and what the operator is at: without a primary nobody can write."""
    spec, status = live["spec"], live.get("status", {})
    wanted, ready = spec.get("instances", 1), status.get("readyInstances", 0)
    primary, target = status.get("currentPrimary", ""), status.get("targetPrimary", "")
    phase = status.get("phase") or "the operator has not seen it yet"
    reason = f": {status['phaseReason']}" if status.get("phaseReason") else ""
    who = f"primary {primary}" if primary else "no primary"
    if primary and target not in ("", primary):
        who += f", {target} takes over"
    text = f"{ready} of {wanted} ready, {who}, {phase[:1].lower()}{phase[1:]}{reason}"
    if ready == 0 or not primary or "unrecoverable" in phase:
        return "problem", text
    return ("ok" if phase == HEALTHY and ready == wanted else "warning"), text


def pooler(live: Object) -> tuple[Status, str]:
    """Pods of PgBouncer that the operator has."""
    wanted, there = live["spec"].get("instances", 1), live.get("status", {}).get("instances", 0)
    status = "ok" if there == wanted else "warning" if there else "problem"
    return status, f"{there} of {wanted} pods"
