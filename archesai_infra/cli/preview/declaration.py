"""What an evaluation declares, in the form of the engine's states."""

from __future__ import annotations

from typing import Any

from archesai_infra.stack.evaluate import Evaluation

PROGRAM = "archesai_infra"
"""Folder of the program in the project."""


def declared(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """The resources of an evaluation by URN, in the form of the engine's states."""
    by_urn = {resource.urn: resource for resource in evaluation.resources}

    def types(urn: str) -> str:
        resource = by_urn[urn]
        above = f"{types(resource.parent)}$" if resource.parent in by_urn else ""
        return f"{above}{resource.type}"

    return {
        "::".join([*urn.split("::")[:2], types(urn), resource.name]): {
            "type": resource.type,
            "inputs": dict(resource.inputs),
            "retainOnDelete": resource.retain_on_delete,
            "protect": resource.protect,
        }
        for urn, resource in by_urn.items()
    }
