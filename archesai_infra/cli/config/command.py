"""`arches config`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack


def complete_keys(incomplete: str) -> list[str]:
    """Configuration keys, for the shell."""
    from archesai_infra.cli.base.completion import key_names

    return key_names(incomplete)


def complete_values(ctx: typer.Context, incomplete: str) -> list[str]:
    """Values of the key that stands before, for the shell."""
    from archesai_infra.cli.base.completion import key_values

    return key_values(str(ctx.params.get("key") or ""), incomplete)


Key = Annotated[str, typer.Argument(help="Dotted key, such as api.replicas.", autocompletion=complete_keys)]
Prefix = Annotated[str, typer.Argument(help="Only this key and those below it.", autocompletion=complete_keys)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Explain, show and set configuration keys of a stack file.")
    group.command("explain")(explain)
    group.command("show")(show)
    group.command("get")(get)
    group.command("set", context_settings={"ignore_unknown_options": True})(set_key)
    group.command("unset")(unset_key)
    group.command("edit")(edit)
    app.add_typer(group, name="config")


def explain(key: Prefix = "", *, json: Json = False) -> None:
    """Say what a key means: type, default, allowed values. For a group, or without a key, list what is below."""
    from archesai_infra.cli.config.explaining import print_key

    print_key(key, json=json)


def show(prefix: Prefix = "", *, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Show the values a stack has and where each comes from; secrets are masked."""
    from archesai_infra.cli.config.values import print_values

    print_values(prefix, stack, json=json)


def get(key: Key, *, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Print the value of one key; a secret is masked."""
    from archesai_infra.cli.config.values import print_value

    print_value(key, stack, json=json)


def set_key(
    key: Key,
    value: Annotated[
        str | None,
        typer.Argument(
            help="The value; a secret is prompted for, or read from a pipe.", autocompletion=complete_values
        ),
    ] = None,
    *,
    stack: Stack = DEFAULT_STACK,
    secret: Annotated[bool, typer.Option("--secret", help="The key is a secret; known ones need no option.")] = False,
) -> None:
    """Set a key of the stack file; an invalid value changes nothing. Only secrets need the Pulumi engine."""
    from archesai_infra.cli.config.edit import set_value

    set_value(key, value, stack, secret=secret)


def unset_key(key: Key, *, stack: Stack = DEFAULT_STACK) -> None:
    """Remove a key from the stack file, so that its default applies."""
    from archesai_infra.cli.config.edit import unset_value

    unset_value(key, stack)


def edit(*, stack: Stack = DEFAULT_STACK) -> None:
    """Open the stack file in $VISUAL or $EDITOR; a text with a new mistake is not saved."""
    from archesai_infra.cli.config.editor import edit as open_editor

    open_editor(stack)
