"""Objects that an unfinished run has still to delete and that the stack declares again.

A Job is named by its content, so another content replaces it, and the old one is deleted last. Where a run fails or is
killed before that and the edit is taken back, the engine creates the old one, which exists, and then deletes what it
had still to delete: the same object. The state has such resources marked `delete`. A ConfigMap is in the same case
where the state is of a program that gave each content the same logical name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.stack.evaluate import Evaluation


def identity(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, namespace and name of an object."""
    return str(item["kind"]), str(item["metadata"].get("namespace", "")), str(item["metadata"]["name"])


def returning(deployment: Mapping[str, Any], declared: Evaluation) -> list[dict[str, Any]]:
    """The resources of an exported state that are marked and whose objects the stack declares."""
    wanted = {identity(item) for item in declared.objects}
    marked = [one for one in deployment.get("resources") or [] if one.get("delete")]
    return [one for one in marked if "metadata" in one.get("inputs", {}) and identity(one["inputs"]) in wanted]


def kept(deployment: Mapping[str, Any], declared: Evaluation) -> dict[str, Any]:
    """The state without the marks: each resource is what its URN stands for, unless that is another one by now."""
    found = returning(deployment, declared)
    resources = deployment["resources"]
    taken = {one["urn"] for one in resources if not one.get("delete")}
    left = [one for one in resources if one not in found or one["urn"] not in taken]
    return {**deployment, "resources": [one | {"delete": False} if one in found else one for one in left]}
