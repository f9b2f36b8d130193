"""What the shell offers for an argument that is not complete yet."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.project import root
from archesai_infra.components.base.settings import Module
from archesai_infra.components.migrations import MigrationsSettings
from archesai_infra.credentials import Credential
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import stacks


def stack_names(incomplete: str) -> list[str]:
    """Stacks that have a file in the project; none outside of one, for the shell has no place for an error."""
    with suppress(CommandError):
        return [name for name in stacks(root()) if name.startswith(incomplete)]
    return []


def key_names(incomplete: str) -> list[str]:
    """Configuration keys and groups of them."""
    return list(dict.fromkeys(key.path for key in keys(Settings) if key.path.startswith(incomplete)))


def key_values(key: str, incomplete: str) -> list[str]:
    """Values that a key allows, where there are few."""
    choices = [choice for item in keys(Settings) if item.path == key for choice in _choices(item)]
    return [choice for choice in dict.fromkeys(choices) if choice.startswith(incomplete)]


def _choices(key: Key) -> list[str]:
    if key.type == "true or false":
        return ["true", "false"]
    return key.allowed.removeprefix("one of ").split(", ") if key.allowed.startswith("one of ") else []


def module_names(incomplete: str) -> list[str]:
    """Modules that can be switched, whether they are on or off."""
    fields = {field.alias or name: field.annotation for name, field in Settings.model_fields.items()}
    return [name for name, kind in fields.items() if name.startswith(incomplete) and _is_module(kind)]


def _is_module(kind: object) -> bool:
    """Whether a field's type, or a form of it, is a module's."""
    if isinstance(kind, type):
        return issubclass(kind, Module | MigrationsSettings)
    return any(_is_module(form) for form in get_args(kind))


def credential_names(incomplete: str) -> list[str]:
    """Credentials of a stack."""
    return [str(credential) for credential in Credential if credential.startswith(incomplete)]
