"""The data that a preview puts at risk."""

from __future__ import annotations

from typing import NamedTuple

from archesai_infra.cli.digest.changes import Change

_DATA = {
    "PersistentVolumeClaim": "its volume",
    "PersistentVolume": "it",
    "Namespace": "all that is in it",
    "CustomResourceDefinition": "every object of the kind",
}
"""Kinds that hold data, and what goes with them."""


class Risks(NamedTuple):
    """Changes that replace or delete what holds data."""

    lost: list[Change]
    """The data goes with the object."""
    kept: list[Change]
    """The object leaves the stack and stays in the cluster."""


def risks(listed: list[Change]) -> Risks:
    """What of a list of changes holds data."""
    endangered = [change for change in listed if change.kind in _DATA and change.operation in ("replace", "delete")]
    return Risks([item for item in endangered if not item.kept], [item for item in endangered if item.kept])


def lost_with(change: Change) -> str:
    """What is lost with an object that holds data, such as `its volume`."""
    return _DATA[change.kind]


def successor(change: Change) -> str:
    """What takes the place of an object that stays in the cluster; empty where nothing does."""
    return ", and a new, EMPTY one takes its place" if change.operation == "replace" else ""
