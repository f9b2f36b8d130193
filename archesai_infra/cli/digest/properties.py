"""The properties of a resource that a preview changes, with their old and new values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archesai_infra.cli.diff.differences import Change, property_changes
from archesai_infra.cli.digest.flows import POLICIES, policy_changes
from archesai_infra.kube.labels import APPLICATION
from archesai_infra.kube.names import CONTENT_NAME
from archesai_infra.stack.evaluate import MASK

_HIDDEN_KINDS = ("Secret", "Stash", "Provider")
"""Kinds whose values are never shown."""
_SECRET = "4dabf18193072939515e22adb298388d"
"""Key by which the engine marks a secret value in a state."""
_SHOWN_SECRET = "[secret]"
"""What the engine prints in place of a secret value."""
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
"""A part of a property path as the engine writes it."""
_FIRST, _NORMAL, _LAST = range(3)


class Property(NamedTuple):
    """A property that differs."""

    path: str
    old: object = None
    new: object = None
    shown: bool = False
    """Whether the values are known and may be shown."""


def properties(step: Mapping[str, Any], kind: str, operation: str) -> tuple[Property, ...]:
    """What differs in one step of a preview, what matters first; for a replacement, what forces it.

    Args:
        step: A step as `pulumi preview --json` writes it.
        kind: Kind of the object.
        operation: One of `changes.OPERATIONS`.
    """
    old, new = (masked((step.get(state) or {}).get("inputs")) for state in ("oldState", "newState"))
    hidden = kind in _HIDDEN_KINDS
    if operation == "replace":
        paths = step.get("replaceReasons") or ()
        return tuple(_property(Change(path, _at(old, path), _at(new, path)), hidden=hidden) for path in paths)
    if operation not in ("update", "revision"):
        return ()
    if kind in POLICIES and (flows := [Property(line) for line in policy_changes(old, new)]):
        return tuple(flows)
    listed = list(step.get("detailedDiff") or ())
    found = [*(property_changes(old, new) if old and new else ())]
    # A secret, or a value that only the cluster knows, differs without a difference that can be seen here.
    unseen = [Change(path, None, None) for path in listed if not found or _at(old, path) == _at(new, path)]
    wanted = [change for change in (*found, *unseen) if operation != "revision" or change.path != "metadata.name"]
    return tuple(_property(change, hidden=hidden) for change in sorted(wanted, key=_rank))


def _rank(change: Change) -> int:
    """Images before other settings; names and fingerprints that follow from another object's content last."""
    if change.path.rpartition(".")[2] == "image":
        return _FIRST
    follows = f'["{APPLICATION}.com/' in change.path or change.path.startswith("metadata.")
    return _LAST if follows or all(CONTENT_NAME.match(str(side)) for side in (change.left, change.right)) else _NORMAL


def _property(change: Change, *, hidden: bool) -> Property:
    known = change.left is not None or change.right is not None
    if not known or hidden or _holds_mask(change.left) or _holds_mask(change.right):
        return Property(change.path)
    return Property(change.path, change.left, change.right, shown=True)


def masked(value: object) -> object:
    """A value with every secret as the same mask, whether the engine marked it, hid it, or an evaluation did."""
    if isinstance(value, Mapping):
        return MASK if _SECRET in value else {str(key): masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return MASK if value == _SHOWN_SECRET else value


def _holds_mask(value: object) -> bool:
    return MASK in _leaves(value)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _at(inputs: object, path: str) -> object:
    value = inputs
    for quoted, index, name in _STEP.findall(path):
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(quoted or name) if isinstance(value, Mapping) else None
    return value
