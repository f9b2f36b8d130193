"""`arches config`: what a key means, and which value it has in a stack and why."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archesai_infra.cli.base.console import print_json, print_table
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, read_stack
from archesai_infra.stack.evaluate import MASK

if TYPE_CHECKING:
    from archesai_infra.stack.config import RawConfig
    from archesai_infra.stack.explain import Key
    from archesai_infra.stack.settings import Settings


@dataclass(frozen=True)
class Value:
    """The value a key has in a stack."""

    key: str
    value: object
    source: str
    """`Pulumi.<stack>.yaml`, or `default`."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    from archesai_infra.cli.config.edit import set_key, unset_key

    group = typer.Typer(no_args_is_help=True, help="Explain configuration keys, show a stack's values, and set them.")
    group.command("explain")(explain)
    group.command("show")(show)
    group.command("set")(set_key)
    group.command("unset")(unset_key)
    app.add_typer(group, name="config")


def _key_names(incomplete: str) -> list[str]:
    return [key.path for key in _keys() if key.path.startswith(incomplete)]


def _keys() -> list[Key]:
    from archesai_infra.stack.explain import keys
    from archesai_infra.stack.settings import Settings

    return keys(Settings)


KeyArgument = Annotated[str, typer.Argument(help="Dotted key, such as api.replicas.", autocompletion=_key_names)]
PrefixArgument = Annotated[str, typer.Argument(help="Only keys at and below this one.", autocompletion=_key_names)]


@friendly
def explain(key: KeyArgument, *, json: Json = False) -> None:
    """Say what a key means: type, default, what is allowed; for a group, the keys below it."""
    found = lookup(key)
    if json:
        print_json([asdict(item) for item in found])
        return
    typer.echo("\n\n".join("\n".join(describe(item)) for item in found))


def lookup(path: str) -> list[Key]:
    """A key in all its forms, and the keys right below a group; raises CommandError with the nearest name."""
    every = _keys()
    own = [key for key in every if key.path == path]
    if not own:
        near = get_close_matches(path, [key.path for key in every], n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else "; `arches config show` lists the top ones"
        raise CommandError(f"{path}: unknown key{hint}", Exit.INPUT)
    depth = path.count(".") + 1
    below = [key for key in every if key.path.startswith(f"{path}.") and key.path.count(".") == depth]
    return [*own, *below] if own[0].group else own


def describe(key: Key) -> Iterator[str]:
    """Lines about a key, for a terminal."""
    form = f" (mode {key.form})" if key.form else ""
    yield f"{key.path}{form}"
    yield f"  {key.description}"
    if key.group:
        return
    yield f"  type:     {key.type}"
    if key.allowed:
        yield f"  allowed:  {key.allowed}"
    if key.secret:
        yield f"  set with: pulumi config set --secret {key.path}"
        return
    yield "  default:  " + ("none, it has to be set" if key.required else text(key.default))


def text(value: object) -> str:
    """A value on one line; `not set` for none."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)


@friendly
def show(prefix: PrefixArgument = "", *, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Show the values a stack has and where each comes from; secrets are masked."""
    from archesai_infra.stack.config import load

    raw = read_stack(stack)
    settings, _ = load(raw)
    chosen = [item for item in values(raw, settings) if prefix in ("", item.key) or item.key.startswith(f"{prefix}.")]
    if not chosen:
        lookup(prefix)
    if json:
        print_json([asdict(item) for item in chosen])
        return
    print_table(["Key", "Value", "From"], ([item.key, text(item.value), item.source] for item in chosen))


def values(raw: RawConfig, settings: Settings) -> list[Value]:
    """Every value of a stack in the order of the models, and the secrets that are set."""
    file = f"Pulumi.{raw.stack}.yaml"
    given = _given(raw)
    found = [
        Value(key, value, file if key in given or _inside(key, given) else "default")
        for key, value in _leaves(settings.model_dump(by_alias=True, mode="json"), "")
    ]
    secrets = [Value(key, MASK, f"{file}, encrypted") for key in sorted(raw.secret_keys)]
    return [*found, *secrets]


def _given(raw: RawConfig) -> set[str]:
    """Paths that the stack file sets."""
    given: set[str] = set()
    for key, value in raw.values.items():
        try:
            decoded = jsonlib.loads(value)
        except jsonlib.JSONDecodeError:
            decoded = value
        given |= {path for path, _ in _leaves({key: decoded}, "")}
    return given


def _inside(key: str, given: set[str]) -> bool:
    """Whether a mapping the file sets as a whole holds the key."""
    return any(path.startswith(f"{key}.") for path in given)


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
