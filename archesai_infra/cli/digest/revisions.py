"""Objects that are named by their content, and so have another URN with another content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archesai_infra.kube.names import without_digest


def name_of(state: Mapping[str, Any]) -> str:
    """Name in the cluster of a resource in the form of the engine's states; empty where it has none."""
    metadata = (state.get("inputs") or {}).get("metadata") or {}
    return str(metadata.get("name", ""))


def lasting_urn(urn: str, state: Mapping[str, Any]) -> str:
    """The URN without the digest of an object that is named by its content."""
    return without_digest(urn, name_of(state))


def paired(steps: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Steps of a preview in which a new revision and the deletion of the old one are one replacement."""
    listed = list(steps)
    deleted, created = _revisions(listed, "delete", "oldState"), _revisions(listed, "create", "newState")
    both = deleted.keys() & created.keys()
    merged = [created[urn] | {"op": "replace", "oldState": deleted[urn]["oldState"]} for urn in sorted(both)]
    part_of_one = [one[urn] for one in (deleted, created) for urn in both]
    return [*(step for step in listed if step not in part_of_one), *merged]


def _revisions(steps: Iterable[Mapping[str, Any]], operation: str, state: str) -> dict[str, dict[str, Any]]:
    """The steps of an operation on objects that are named by their content, by lasting URN."""
    found = ((step, lasting_urn(step["urn"], step.get(state) or {})) for step in steps if step.get("op") == operation)
    return {urn: dict(step) for step, urn in found if urn != step["urn"]}
