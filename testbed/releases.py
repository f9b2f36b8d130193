"""Upgrades of this program: what the last release rendered, against what the present code renders of the same files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from archesai_infra.cli.base.git import git
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.render import files
from archesai_infra.stack.stack_file import read

Object = dict[str, Any]
KEPT = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""Kinds that data depends on: none may get another name."""
FIXED: Mapping[str, tuple[str, ...]] = {
    "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates"),
    "Deployment": ("selector",),
    "Job": ("template", "selector", "completions"),
    "PersistentVolumeClaim": ("accessModes", "storageClassName"),
    "RoleBinding": ("roleRef",),
}
"""Fields of `spec`, or of the object, that an API server refuses to change, by kind."""


class Key(NamedTuple):
    """What an object is known by."""

    kind: str
    namespace: str
    name: str


def last_release(root: Path) -> str | None:
    """The newest tag of a version that the present commit follows from; None where there is none."""
    found = git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return found.decode().strip() if found else None


def stacks_at(root: Path, tag: str) -> list[str]:
    """Stacks whose files and manifests a release has."""
    listed = (git(root, "ls-tree", "--name-only", tag) or b"").decode().split()
    names = [name.removeprefix("Pulumi.").removesuffix(".yaml") for name in listed if name.startswith("Pulumi.")]
    return [
        name for name in names if name != "yaml" and git(root, "cat-file", "-e", f"{tag}:rendered/{name}") is not None
    ]


def rendered_at(root: Path, tag: str, stack: str) -> dict[Key, Object]:
    """The objects that a release rendered of one of its stacks."""
    folder = f"rendered/{stack}"
    names = (git(root, "ls-tree", "--name-only", f"{tag}:{folder}") or b"").decode().split()
    texts = [git(root, "show", f"{tag}:{folder}/{name}") or b"" for name in names if name.endswith(".yaml")]
    return _by_key(yaml.safe_load(text) for text in texts)


def rendered_now(root: Path, tag: str, stack: str, directory: Path) -> dict[Key, Object]:
    """The objects that the present code renders of a release's stack file; raises ConfigError where it refuses it."""
    for name in (f"Pulumi.{stack}.yaml", "Pulumi.yaml"):
        (directory / name).write_bytes(git(root, "show", f"{tag}:{name}") or b"")
    built = files(evaluate(read(directory, stack)))
    return _by_key(yaml.safe_load(text) for name, text in built.items() if not name.startswith("helm/"))


def refused(before: Mapping[Key, Object], after: Mapping[Key, Object]) -> Iterator[str]:
    """What an upgrade cannot do in place, or would take from data, each as a line."""
    for key, old in sorted(before.items()):
        new = after.get(key)
        if new is None:
            if key.kind in KEPT:
                yield f"{key.kind} {key.name} is gone or has another name"
            continue
        for field in FIXED.get(key.kind, ()):
            if _field(old, field) != _field(new, field):
                yield f"{key.kind} {key.name}: {field} cannot be changed"


def _field(item: Object, field: str) -> object:
    return item[field] if field in item else item.get("spec", {}).get(field)


def _by_key(objects: Iterator[Object]) -> dict[Key, Object]:
    return {
        Key(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in objects
    }
