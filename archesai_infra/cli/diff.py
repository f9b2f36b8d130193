"""`arches diff`: what two stacks declare differently, object by object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import ndiff
from typing import TYPE_CHECKING, Any

import typer

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.exits import friendly
from archesai_infra.cli.base.options import Json, StackName, read_stack
from archesai_infra.cli.config.command import text
from archesai_infra.kube.labels import APPLICATION

if TYPE_CHECKING:
    from archesai_infra.stack.evaluate import Evaluation

_CONTENT_NAME = re.compile(rf"^({APPLICATION}-[-a-z0-9]+)-[0-9a-f]{{8}}$")
"""A name that ends in a digest of its object's content: the same object in two stacks has two such names."""


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
    status: str
    """`only left`, `only right` or `differs`."""
    changes: tuple[Change, ...] = ()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


@friendly
def diff(left: StackName, right: StackName, *, json: Json = False) -> None:
    """Compare what two stacks declare; the stacks' own names are no difference. Needs no engine and no cluster."""
    from archesai_infra.stack.evaluate import evaluate

    found = differences(*(evaluate(read_stack(stack), rendered=True) for stack in (left, right)))
    if json:
        print_json([asdict(item) for item in found])
        return
    for line in lines(found, left, right):
        typer.echo(line)


def lines(found: list[Difference], left: str, right: str) -> Iterator[str]:
    """The differences for a terminal."""
    for item in found:
        where = {"only left": f"only in {left}", "only right": f"only in {right}"}.get(item.status, "")
        yield f"{item.object}{': ' + where if where else ''}"
        for change in item.changes:
            yield from _told(change)
    if not found:
        yield f"{left} and {right} declare the same."


def _told(change: Change) -> Iterator[str]:
    if not (isinstance(change.left, str) and isinstance(change.right, str) and "\n" in change.left + change.right):
        yield f"  {change.path}: {text(change.left)} -> {text(change.right)}"
        return
    yield f"  {change.path}:"
    for line in ndiff(change.left.splitlines(), change.right.splitlines()):
        if line[0] in "+-":
            yield f"    {line}"


def differences(left: Evaluation, right: Evaluation) -> list[Difference]:
    """What differs, by kind and name; objects named by their content are matched without that part."""
    ours, theirs = _by_name(left), _by_name(right)
    found: list[Difference] = []
    for name in sorted({*ours, *theirs}):
        if name not in theirs:
            found.append(Difference(name, "only left"))
        elif name not in ours:
            found.append(Difference(name, "only right"))
        elif changes := tuple(_changes(ours[name], theirs[name], "")):
            found.append(Difference(name, "differs", changes))
    return found


def _by_name(evaluation: Evaluation) -> dict[str, Any]:
    objects = {
        f"{item['kind']} {_name(item)}": _neutral({key: value for key, value in item.items() if key != "kind"})
        for item in evaluation.objects
    }
    releases = {f"Release {release.inputs['name']}": dict(release.inputs) for release in evaluation.releases}
    return objects | releases


def _name(item: dict[str, Any]) -> str:
    return _CONTENT_NAME.sub(r"\1", str(item["metadata"]["name"]))


def _neutral(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same object without what only says which stack it is of, and without digests of other objects' content."""
    if isinstance(value, dict):
        return {key: _neutral(item) for key, item in value.items() if key != "app.kubernetes.io/instance"}
    if isinstance(value, list):
        return [_neutral(item) for item in value]
    return _CONTENT_NAME.sub(r"\1", value) if isinstance(value, str) else value


def _changes(left: Any, right: Any, path: str) -> Iterator[Change]:  # noqa: ANN401 - JSON
    left, right = _keyed(left), _keyed(right)
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            below = f"{path}.{key}" if path else str(key)
            yield from _changes(left.get(key), right.get(key), below)
    elif left != right:
        yield Change(path, left, right)


def _keyed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A list of named things as a mapping, so that a new container is one change and not many."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {str(item["name"]): item for item in value}
    return value
