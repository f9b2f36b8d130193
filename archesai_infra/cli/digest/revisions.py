"""Objects that are named by their content, and so have another URN with another content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archesai_infra.kube.names import without_digest


def paired(steps: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Steps of a preview in which a new revision and the deletion of the old one are one replacement."""
    listed = list(steps)
    deleted = {key: step for step in listed if step.get("op") == "delete" and (key := _revised(step, "oldState"))}
    created = {key: step for step in listed if step.get("op") == "create" and (key := _revised(step, "newState"))}
    both = deleted.keys() & created.keys()
    single = [step for step in listed if not any(step is one[key] for one in (deleted, created) for key in both)]
    merged = [{**created[key], "op": "replace", "oldState": deleted[key]["oldState"]} for key in sorted(both)]
    return [*single, *merged]


def _revised(step: Mapping[str, Any], state: str) -> str:
    """The object that a step makes or deletes a revision of; empty where it is another kind of object."""
    inputs = (step.get(state) or {}).get("inputs") or {}
    urn = str(step["urn"])
    stable = without_digest(urn, str((inputs.get("metadata") or {}).get("name", "")))
    return "" if stable == urn else stable
