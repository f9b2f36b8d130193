"""The state of a stack with adopted objects in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from archesai_infra.cli.adopt.adoption import urns
from archesai_infra.cli.adopt.differences import projection
from archesai_infra.cli.adopt.live import Object
from archesai_infra.cli.adopt.plan import Item
from archesai_infra.stack.evaluate import Evaluation, Resource

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_PARTS = ("data", "stringData")


def known(deployment: Mapping[str, Any]) -> frozenset[str]:
    """URNs of what is in an exported state."""
    return frozenset(resource["urn"] for resource in deployment.get("resources") or [])


def with_adopted(
    deployment: Mapping[str, Any], declared: Evaluation, items: Iterable[Item], moment: str
) -> dict[str, Any]:
    """An exported state, that has the providers already, with the items as if the stack had made them.

    The engine's own import writes down the whole live object, volume names and defaults included, and then wants to
    replace what the program does not say the same of. Here the inputs are what the program declares, as it is now, so
    the next preview shows what will really change. `moment` is when, in RFC 3339.
    """
    state = deepcopy(dict(deployment))
    resources: list[Object] = state["resources"]
    times = {"created": moment, "modified": moment}
    have = {resource["urn"]: resource for resource in resources}
    root = next(name for name, resource in have.items() if resource["type"] == "pulumi:pulumi:Stack")
    names = urns(declared)
    components = {resource.urn: resource for resource in declared.resources if not resource.custom}

    def add(entry: Object) -> None:
        have[entry["urn"]] = entry
        resources.append(entry | times)

    def placed(evaluated: str) -> str:
        """The URN of a parent; it and those above it are in the state from now on."""
        component = components.get(evaluated)
        if component is None:
            return root
        name = names[evaluated]
        if name not in have:
            add({"urn": name, "custom": False, "type": component.type, "parent": placed(component.parent)})
        return name

    for item in items:
        resource, live = item.resource, item.live
        if resource is not None and live is not None and names[resource.urn] not in have:
            provider = names[resource.provider.rpartition("::")[0]]
            links = {"parent": placed(resource.parent), "provider": f"{provider}::{have[provider]['id']}"}
            add(_entry(names[resource.urn], resource, live) | links)
    return state


def _entry(name: str, resource: Resource, live: Object) -> Object:
    """One object as the provider would have written it down."""
    found = _public(live)
    inputs = projection(found, {key: value for key, value in resource.inputs.items() if key not in _SECRET_PARTS})
    metadata = live["metadata"]
    manager = hashlib.sha256(name.encode()).hexdigest()[:8]
    outputs = {
        "__inputs": inputs,
        "__initialApiVersion": resource.inputs["apiVersion"],
        "__fieldManager": f"pulumi-kubernetes-{manager}",
    }
    return {
        "urn": name,
        "custom": True,
        "id": "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part),
        "type": resource.type,
        "inputs": inputs,
        "outputs": found | outputs,
        "protect": resource.protect,
        "retainOnDelete": resource.retain_on_delete,
    }


def _public(live: Object) -> Object:
    """The live object without what is secret, or only the server's own business."""
    found = {key: value for key, value in live.items() if key not in _SECRET_PARTS or live["kind"] != "Secret"}
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != _APPLIED}
    return found | {"metadata": metadata}
