"""How an object that runs differs from the one that is declared, and what of it no update can change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archesai_infra.cli.adopt.live import Object
from archesai_infra.quantities import memory_bytes

IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    "Job": ("spec.template",),
    "Service": ("spec.clusterIP",),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName", "spec.volumeName"),
    "Secret": ("type",),
    "RoleBinding": ("roleRef",),
}
"""What the server refuses to change, by kind."""
_ALL_OR_NOTHING = ("spec.volumeClaimTemplates",)
"""What differs also where it is not declared: elsewhere the server's default stands."""


def projection(live: Any, declared: Any) -> Any:  # noqa: ANN401 - JSON
    """What the live object has at the places that are declared: all that a later change is compared with."""
    if isinstance(declared, dict) and isinstance(live, dict):
        return {key: projection(live[key], value) for key, value in declared.items() if key in live}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        return [projection(one, other) for one, other in zip(live, declared, strict=True)]
    return live


def differences(live: Any, declared: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Places where what is declared is not what runs, in order and as deep as a list's length allows."""
    if isinstance(declared, dict) and isinstance(live, dict):
        for key in sorted(declared):
            if key not in live:
                yield f"{path}.{key}".lstrip(".")
            else:
                yield from differences(live[key], declared[key], f"{path}.{key}")
    elif isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        for number, (one, other) in enumerate(zip(live, declared, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif live != declared:
        yield path.lstrip(".")


def immutable(live: Object, declared: Object) -> list[str]:
    """Reasons why no update makes the live object the declared one; empty where one does."""
    reasons = [
        f"{path} is {_short(found)}, the stack has {_short(wanted)}"
        for path in IMMUTABLE.get(declared["kind"], ())
        for found, wanted in [(_at(live, path), _at(declared, path))]
        if _differ(path, found, wanted)
    ]
    if declared["kind"] == "Service" and _headless(live) and not _headless(declared):
        reasons.append("spec.clusterIP is None, the stack has an address")
    if declared["kind"] == "PersistentVolumeClaim":
        reasons += _smaller(live, declared)
    return reasons


def restarts(live: Object, declared: Object) -> bool:
    """Whether the change makes new pods: their template differs."""
    template = declared.get("spec", {}).get("template")
    return bool(template) and any(differences(live["spec"].get("template"), template))


def _differ(path: str, found: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON
    if path == "spec.template":
        return any(differences(found, wanted))
    return (wanted is not None or path in _ALL_OR_NOTHING) and found != wanted


def _smaller(live: Object, declared: Object) -> list[str]:
    found, wanted = (item["spec"]["resources"]["requests"]["storage"] for item in (live, declared))
    if memory_bytes(found) <= memory_bytes(wanted):
        return []
    return [f"it has {found}, the stack has {wanted}, and no volume shrinks"]


def _headless(service: Object) -> bool:
    return service["spec"].get("clusterIP") == "None"


def _at(item: Object, path: str) -> Any:  # noqa: ANN401 - JSON
    value: Any = item
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value in a few words; labels without the prefix that they share."""
    if value is None:
        return "not set"
    if isinstance(value, dict) and set(value) == {"matchLabels"}:
        labels = value["matchLabels"].items()
        return " ".join(f"{key.removeprefix('app.kubernetes.io/')}={text}" for key, text in sorted(labels))
    if isinstance(value, list) and all(isinstance(one, dict) and "metadata" in one for one in value):
        return ", ".join(one["metadata"]["name"] for one in value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "another one" if isinstance(value, dict) else str(value)
