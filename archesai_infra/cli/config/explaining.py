"""What configuration keys mean, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from difflib import get_close_matches

from archesai_infra.cli.base.console import print_json, print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.text import value_text
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings


def print_key(path: str, *, json: bool) -> None:
    """Print what a key means; for a group, or without a path, the keys below it too."""
    listed = lookup(path) if path else [key for key in keys(Settings) if "." not in key.path]
    if json:
        print_json([asdict(key) for key in listed])
        return
    for number, key in enumerate(listed):
        print_lines([*([""] if number else []), *describe(key)])


def lookup(path: str) -> list[Key]:
    """A key in all its forms, and the keys right below a group; raises CommandError with the nearest name."""
    path = path.removeprefix(f"{PROJECT}:")
    every = keys(Settings)
    forms = [key for key in every if key.path == path]
    if not forms:
        near = get_close_matches(path, [key.path for key in every], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`arches config explain` lists the top keys"
        raise CommandError(f"{path}: unknown key; {hint}", Exit.INPUT)
    depth = path.count(".") + 1
    below = [key for key in every if key.path.startswith(f"{path}.") and key.path.count(".") == depth]
    return [*forms, *below] if forms[0].group else forms


def describe(key: Key) -> Iterator[str]:
    """Lines about a key."""
    form = f" (mode {key.form})" if key.form else ""
    yield f"{key.path}{form}"
    yield f"  {key.description}"
    if key.group:
        return
    yield f"  type:     {key.type}"
    if key.allowed:
        yield f"  allowed:  {key.allowed}"
    if key.secret:
        yield f"  set with: arches config set {key.path}   # asks for the value"
        return
    yield "  default:  " + ("none, it has to be set" if key.required else value_text(key.default))
