"""Two directories of rendered stacks compared, as the document that `pulumi preview --json` would write.

The change's directory may come from anybody: its files are read as data within bounds, and what they say is escaped
by the digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.digest.digest import LIMIT, REACHABILITY, VIOLATIONS, digest, mark
from archesai_infra.cli.engine.policy import judge
from archesai_infra.kube.labels import COMPONENT
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.stack_file import read, stacks

RENDERED = (
    "Rendered without a cluster and without secrets by the code of the change; compared and judged by the code of "
    "the base."
)
LARGEST_FILE = 2**20
"""Most bytes of one manifest: the API server takes 1.5 MiB, and the dashboards are the largest of ours."""
MOST_FILES = 2000
_NAMELESS = {"metadata": {"name": ""}}

Objects = dict[tuple[str, str], dict[str, Any]]
"""Objects of a stack by kind and name."""


@dataclass(frozen=True)
class Report:
    """What a reviewer reads, and what breaks a policy."""

    text: str
    violations: tuple[str, ...]


def compare(change: Path, base: Path, root: Path) -> Report:
    """Compare the stacks of two directories by the policies below `root`; raises CommandError for unreadable input."""
    names = sorted({path.name for path in (*_directories(change), *_directories(base))})
    if not names:
        raise CommandError(
            f"{change} and {base}: hold no rendered stack: arches render --output <dir>/<stack>", Exit.INPUT
        )
    documents = [_document(name, _objects(change / name), _objects(base / name), root) for name in names]
    texts = [digest(document, LIMIT // len(documents)).partition("\n")[2] for document in documents]
    violations = [finding for document in documents for finding in document[VIOLATIONS]]
    return Report(mark() + "\n" + "\n".join(texts), tuple(violations))


def _directories(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        yield from (path for path in parent.iterdir() if path.is_dir() and not path.is_symlink())


def _objects(directory: Path) -> Objects:
    files = sorted(directory.rglob("*.yaml"))[: MOST_FILES + 1] if directory.is_dir() else []
    if len(files) > MOST_FILES:
        raise CommandError(f"{directory}: holds more than {MOST_FILES} files", Exit.INPUT)
    objects: Objects = {}
    for path in files:
        item = _read(path)
        # Values of a Helm release have no kind of their own.
        if path.parent.name == "helm":
            item = {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": {"name": path.stem}, "values": item}
        metadata = item.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not isinstance(item.get("kind"), str):
            raise CommandError(f"{path}: is not a manifest: it has no kind or no metadata.name", Exit.INPUT)
        objects[str(item["kind"]), name] = item
    return objects


def _read(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise CommandError(f"{path}: must be a file of at most {LARGEST_FILE} bytes, and no link", Exit.INPUT)
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise CommandError(f"{path}: must not have YAML aliases", Exit.INPUT)
        item = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise CommandError(f"{path}: is not readable as YAML", Exit.INPUT) from None
    if not isinstance(item, dict):
        raise CommandError(f"{path}: is not a manifest: it must be an object", Exit.INPUT)
    return {str(key): value for key, value in item.items()}


def _document(stack: str, change: Objects, base: Objects, root: Path) -> dict[str, Any]:
    steps = [_step(stack, base.get(key), change.get(key)) for key in sorted({*base, *change})]
    return {
        "steps": steps,
        VIOLATIONS: list(judge(root, change.values(), production=_production(root, stack))),
        REACHABILITY: RENDERED,
    }


def _production(root: Path, stack: str) -> bool:
    """Whether the base holds the stack for production; a stack that the base does not know is judged as strictly."""
    return stack not in stacks(root) or read(root, stack).values.get("environment") == "production"


def _step(stack: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    item = after or before or _NAMELESS
    labels = item["metadata"].get("labels")
    component = labels.get(COMPONENT, "") if isinstance(labels, dict) else ""
    kind, name = str(item.get("kind")), str(item["metadata"]["name"])
    chain = f"{PROJECT}:index:{component}$" if component else ""
    return {
        "op": _operation(before, after),
        "urn": f"urn:pulumi:{stack}::{PROJECT}::{chain}kubernetes:{item.get('apiVersion')}:{kind}::{name}",
        "oldState": _state(before),
        "newState": _state(after),
    }


def _operation(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if before is None:
        return "create"
    if after is None:
        return "delete"
    return "same" if before == after else "update"


def _state(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {"type": f"kubernetes:{item.get('apiVersion')}:{item.get('kind')}", "inputs": item}
