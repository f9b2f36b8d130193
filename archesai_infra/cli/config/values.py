"""The values that a stack has, and where each comes from."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict, dataclass
from difflib import get_close_matches

import typer

from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.base.text import value_text
from archesai_infra.components.api import flatten
from archesai_infra.stack.config import PROJECT, RawConfig, load
from archesai_infra.stack.evaluate import MASK
from archesai_infra.stack.settings import Settings


@dataclass(frozen=True)
class Value:
    """The value a key has in a stack."""

    key: str
    value: object
    source: str
    """`Pulumi.<stack>.yaml`, or `default`."""


def print_values(prefix: str, stack: str, *, json: bool) -> None:
    """Print the values at and below a key, or all; raises CommandError for an unknown key."""
    chosen = _chosen(prefix.removeprefix(f"{PROJECT}:"), stack)
    if json:
        print_json([asdict(item) for item in chosen])
        return
    print_table(["Key", "Value", "From"], ([item.key, value_text(item.value), item.source] for item in chosen))


def print_value(key: str, stack: str, *, json: bool) -> None:
    """Print the value of one key; raises CommandError for an unknown key or a group."""
    key = key.removeprefix(f"{PROJECT}:")
    chosen = _chosen(key, stack)
    if json:
        print_json(asdict(chosen[0]) if chosen[0].key == key else [asdict(item) for item in chosen])
        return
    if chosen[0].key != key:
        raise CommandError(f"{key}: is a group of keys: arches config show {key}", Exit.INPUT)
    typer.echo(value_text(chosen[0].value))


def _chosen(prefix: str, stack: str) -> list[Value]:
    raw = read_stack(stack)
    settings, _ = load(raw)
    every = values(raw, settings)
    chosen = [item for item in every if prefix in ("", item.key) or item.key.startswith((f"{prefix}.", f"{prefix}["))]
    if not chosen:
        near = get_close_matches(prefix, [item.key for item in every], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`arches config show` lists those of the stack"
        raise CommandError(f"{prefix}: this stack has no such key; {hint}", Exit.INPUT)
    return chosen


def values(raw: RawConfig, settings: Settings) -> list[Value]:
    """Every value of a stack in the order of the models, and the secrets that are set."""
    file = f"Pulumi.{raw.stack}.yaml"
    given = _given(raw)
    plain = [
        Value(key, value, file if key in given or _inside(key, given) else "default")
        for key, value in flatten(settings.model_dump(by_alias=True, mode="json")).items()
    ]
    secrets = [Value(key, MASK, f"{file}, encrypted") for key in sorted(raw.secret_keys)]
    return [*plain, *secrets]


def _given(raw: RawConfig) -> set[str]:
    """Paths that the stack file sets."""
    given: set[str] = set()
    for key, value in raw.values.items():
        try:
            decoded = jsonlib.loads(value)
        except jsonlib.JSONDecodeError:
            decoded = value
        given |= flatten({key: decoded}).keys()
    return given


def _inside(key: str, given: set[str]) -> bool:
    """Whether a mapping the file sets as a whole holds the key."""
    return any(path.startswith(f"{key}.") for path in given)
