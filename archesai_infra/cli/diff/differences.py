"""What two evaluations declare differently, object by object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archesai_infra.cli.digest.flows import POLICIES, policy_changes
from archesai_infra.kube.labels import COMPONENT, INSTANCE
from archesai_infra.kube.names import CONTENT_NAME
from archesai_infra.stack.evaluate import Evaluation


@dataclass(frozen=True)
class Change:
    """A property that differs; None where a side lacks it."""

    path: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Difference:
    """An object that is not the same in both stacks."""

    object: str
    """Kind and name."""
    module: str
    """Module that it belongs to; `charts` for a Helm release."""
    status: str
    """`only left`, `only right` or `differs`."""
    changes: tuple[Change, ...] = ()
    flows: tuple[str, ...] = ()
    """What a network policy `opens` and `closes` on the right, in place of changes of its rules."""


def differences(left: Evaluation, right: Evaluation) -> list[Difference]:
    """What differs, by kind and name; objects named by their content are matched without that part.

    Stacks in different namespaces differ in that once, at the Namespace, and not at each object in it.
    """
    apart = left.settings.namespace != right.settings.namespace
    ours, theirs = _by_name(left, apart=apart), _by_name(right, apart=apart)
    changed: list[Difference] = []
    for name in sorted({*ours, *theirs}):
        if name not in theirs:
            changed.append(Difference(name, _module(ours[name]), "only left"))
        elif name not in ours:
            changed.append(Difference(name, _module(theirs[name]), "only right"))
        elif changes := tuple(property_changes(ours[name], theirs[name], "")):
            changed.append(_differing(name, ours[name], theirs[name], changes))
    return changed


def _differing(name: str, left: dict[str, Any], right: dict[str, Any], changes: tuple[Change, ...]) -> Difference:
    flows = tuple(policy_changes(left, right)) if name.partition(" ")[0] in POLICIES else ()
    rest = tuple(change for change in changes if not (flows and change.path.startswith("spec.")))
    return Difference(name, _module(left), "differs", rest, flows)


def _by_name(evaluation: Evaluation, *, apart: bool) -> dict[str, Any]:
    stack_namespace = evaluation.settings.namespace
    objects = {
        _title(item, stack_namespace, apart=apart): _neutral(
            {
                "metadata": _without_namespace(item["metadata"], stack_namespace),
                **{key: value for key, value in item.items() if key not in ("kind", "metadata")},
            }
        )
        for item in evaluation.objects
    }
    releases = {f"Release {release.inputs['name']}": dict(release.inputs) for release in evaluation.releases}
    return objects | releases


def _title(item: dict[str, Any], stack_namespace: str, *, apart: bool) -> str:
    if apart and (item["kind"], item["metadata"]["name"]) == ("Namespace", stack_namespace):
        return "Namespace of the stack"
    return f"{item['kind']} {_name(item, stack_namespace)}"


def _without_namespace(metadata: dict[str, Any], stack_namespace: str) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if (key, value) != ("namespace", stack_namespace)}


def _name(item: dict[str, Any], stack_namespace: str) -> str:
    """Name of an object without a digest of its content; outside the stack's namespace with its own."""
    name = CONTENT_NAME.sub(r"\1", str(item["metadata"]["name"]))
    namespace = item["metadata"].get("namespace", stack_namespace)
    return name if namespace == stack_namespace else f"{namespace}/{name}"


def _neutral(value: object) -> object:
    """The same object without what only says which stack it is of, and without digests of other objects' content."""
    if isinstance(value, dict):
        return {key: _neutral(item) for key, item in value.items() if key != INSTANCE}
    if isinstance(value, list):
        return [_neutral(item) for item in value if not (isinstance(item, dict) and item.get("key") == INSTANCE)]
    return CONTENT_NAME.sub(r"\1", value) if isinstance(value, str) else value


def property_changes(left: object, right: object, path: str = "") -> Iterator[Change]:
    """Properties that differ, by dotted path.

    Lists of named items are matched by the names, other lists of one length by position.
    """
    left, right = _keyed(left), _keyed(right)
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from property_changes(left.get(key), right.get(key), _below(path, str(key)))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from property_changes(one, other, f"{path}[{index}]")
    elif left != right:
        yield Change(path, left, right)


def _below(path: str, key: str) -> str:
    if "." in key:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _keyed(value: object) -> object:
    """A list of named things as a mapping, so that a new container is one change and not many."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {str(item["name"]): item for item in value}
    return value


def _module(item: dict[str, Any]) -> str:
    labels = item.get("metadata", {}).get("labels", {}) if "chart" not in item else {COMPONENT: "charts"}
    return str(labels.get(COMPONENT, "stack"))
