"""What a preview would change: each object with its module, its old and new values, and what restarts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archesai_infra.cli.diff.differences import CONTENT_NAME, property_changes
from archesai_infra.stack.evaluate import MASK

OPERATIONS = ("create", "update", "revision", "replace", "delete")
"""A revision is an object that is named by its content: a new one under a new name, the old one goes last."""
_HIDDEN_KINDS = ("Secret", "Stash", "Provider")
"""Kinds whose values are never shown."""
_SECRET = "4dabf18193072939515e22adb298388d"
"""Key by which the engine marks a secret value."""
_RUNNING = ("Deployment", "StatefulSet", "DaemonSet")
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
"""A part of a property path as the engine writes it."""


class Property(NamedTuple):
    """A property that differs."""

    path: str
    old: object = None
    new: object = None
    shown: bool = False
    """Whether the values are known and may be shown."""


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
    listed = [_change(step) for step in preview.get("steps", []) if step.get("op") in OPERATIONS]
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
    properties = tuple(_properties(step, kind, operation))
    return Change(
        operation=operation,
        module=_module(chain),
        kind=kind,
        name=_name(old or new) or logical,
        properties=properties,
        kept=bool(old.get("retainOnDelete")) and operation in ("delete", "replace"),
        how=_how(token, properties, renamed=_name(old) != _name(new)) if operation == "replace" else "",
        restart=_restart(kind, properties, new.get("inputs") or {}) if operation == "update" else "",
    )


def _is_revision(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    before, after = CONTENT_NAME.match(_name(old)), CONTENT_NAME.match(_name(new))
    return before is not None and after is not None and before[1] == after[1] and before[0] != after[0]


def _properties(step: Mapping[str, Any], kind: str, operation: str) -> Iterator[Property]:
    old, new = (step.get("oldState") or {}).get("inputs"), (step.get("newState") or {}).get("inputs")
    hidden = kind in _HIDDEN_KINDS
    if operation == "replace":
        paths = list(step.get("replaceReasons") or ())
    elif step.get("detailedDiff"):
        paths = list(step["detailedDiff"])
    elif operation in ("update", "revision") and old and new:
        for change in property_changes(old, new):
            if not change.path.startswith("metadata.name"):
                yield _property(change.path, change.left, change.right, hidden=hidden)
        return
    else:
        return
    for path in paths:
        if operation != "revision" or path != "metadata.name":
            yield _property(path, _at(old, path), _at(new, path), hidden=hidden)


def _property(path: str, old: object, new: object, *, hidden: bool) -> Property:
    known = not hidden and (old is not None or new is not None) and not (_is_secret(old) or _is_secret(new))
    return Property(path, old, new, shown=True) if known else Property(path)


def _is_secret(value: object) -> bool:
    """Whether a value is a secret, or holds one: the engine's mark, its mask, or the mask of an evaluation."""
    if isinstance(value, Mapping):
        return _SECRET in value or any(map(_is_secret, value.values()))
    if isinstance(value, list):
        return any(map(_is_secret, value))
    return value in (MASK, "[secret]")


def _at(inputs: object, path: str) -> object:
    value = inputs
    for quoted, index, name in _STEP.findall(path):
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(quoted or name) if isinstance(value, Mapping) else None
    return value


def _how(token: str, properties: tuple[Property, ...], *, renamed: bool) -> str:
    if token == "pulumi:index:Stash":
        return "a new value is generated"
    if any(item.path == "metadata.namespace" for item in properties):
        return "in another namespace"
    return "under a new name, the old one goes last" if renamed else "the old one goes FIRST"


def _restart(kind: str, properties: tuple[Property, ...], inputs: Mapping[str, Any]) -> str:
    if kind not in _RUNNING or not any(item.path.startswith("spec.template") for item in properties):
        return ""
    spec = inputs.get("spec") or {}
    recreates = (spec.get("strategy") or {}).get("type") == "Recreate"
    alone = kind == "StatefulSet" and spec.get("replicas", 1) == 1
    return "short outage" if recreates or alone else "rolling"


def _module(chain: str) -> str:
    """The component that the resource belongs to; without one it serves the whole stack."""
    component = chain.partition("$")[0]
    return component.rpartition(":")[2].lower() if component.startswith("archesai:") else "stack"


def _name(state: Mapping[str, Any]) -> str:
    metadata = (state.get("inputs") or {}).get("metadata") or {}
    return str(metadata.get("name", ""))


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
