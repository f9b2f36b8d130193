"""What a preview would change: each object with its module, its old and new values, and what restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archesai_infra.cli.digest.properties import Property, properties
from archesai_infra.cli.digest.revisions import name_of, paired
from archesai_infra.kube.names import CONTENT_NAME

OPERATIONS = ("create", "update", "revision", "replace", "delete")
"""A revision is an object that is named by its content: a new one under a new name, the old one goes last."""
_RUNNING = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Change:
    """A resource that the preview would touch."""

    operation: str
    """One of `OPERATIONS`."""
    module: str
    kind: str
    name: str
    """Name in the cluster, else the logical one; of a replacement the old one's."""
    properties: tuple[Property, ...]
    """What differs; for a replacement, what forces it."""
    kept: bool
    """It leaves the stack and stays in the cluster."""
    how: str = ""
    """How a replacement goes."""
    restart: str = ""
    """How its pods restart; empty where they do not."""


def changes(preview: Mapping[str, Any]) -> list[Change]:
    """What the preview would touch, components left out, by module and name."""
    listed = [_change(step) for step in paired(preview.get("steps", [])) if step.get("op") in OPERATIONS]
    return sorted(
        (change for change in listed if change is not None),
        key=lambda change: (change.module, change.kind, change.name),
    )


def _change(step: Mapping[str, Any]) -> Change | None:
    chain, _, logical = step["urn"].split("::", 2)[2].rpartition("::")
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    token = str((old or new).get("type", chain.rpartition("$")[2]))
    if token.startswith("archesai:") or token == "pulumi:pulumi:Stack":
        return None
    kind = "Provider" if token.startswith("pulumi:providers:") else token.rpartition(":")[2]
    operation = str(step["op"])
    if operation == "replace" and _is_revision(old, new):
        operation = "revision"
    differing = properties(step, kind, operation)
    return Change(
        operation=operation,
        module=_module(chain),
        kind=kind,
        name=name_of(old or new) or logical,
        properties=differing,
        kept=bool(old.get("retainOnDelete")) and operation in ("delete", "replace"),
        how=_how(token, differing, renamed=name_of(old) != name_of(new)) if operation == "replace" else "",
        restart=_restart(kind, differing, new.get("inputs") or {}) if operation == "update" else "",
    )


def _is_revision(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    before, after = CONTENT_NAME.match(name_of(old)), CONTENT_NAME.match(name_of(new))
    return before is not None and after is not None and before[1] == after[1] and before[0] != after[0]


def _how(token: str, differing: tuple[Property, ...], *, renamed: bool) -> str:
    if token == "pulumi:index:Stash":
        return "a new value is generated"
    if any(item.path == "metadata.namespace" for item in differing):
        return "in another namespace"
    return "under a new name, the old one goes last" if renamed else "the old one goes FIRST"


def _restart(kind: str, differing: tuple[Property, ...], inputs: Mapping[str, Any]) -> str:
    if kind not in _RUNNING or not any(item.path.startswith("spec.template") for item in differing):
        return ""
    spec = inputs.get("spec") or {}
    recreates = (spec.get("strategy") or {}).get("type") == "Recreate"
    alone = kind == "StatefulSet" and spec.get("replicas", 1) == 1
    return "short outage" if recreates or alone else "rolling"


def _module(chain: str) -> str:
    """The component that the resource belongs to; without one it serves the whole stack."""
    component = chain.partition("$")[0]
    return component.rpartition(":")[2].lower() if component.startswith("archesai:") else "stack"


def restarts(listed: list[Change]) -> list[str]:
    """Names of what restarts, each with how, such as `archesai-api (rolling)`."""
    return [f"{change.name} ({change.restart})" for change in listed if change.restart]


def totals(listed: list[Change]) -> str:
    """The numbers of changes in words."""
    words = {
        "create": "to create",
        "update": "to update",
        "revision": "new revision",
        "replace": "to REPLACE",
        "delete": "to delete",
    }
    counts = {operation: sum(change.operation == operation for change in listed) for operation in OPERATIONS}
    if counts["revision"] > 1:
        words["revision"] += "s"
    return ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name]) or "no changes"
