"""What the shell offers for an argument that is not complete yet."""

from __future__ import annotations

from archesai_infra.cli.base.project import root
from archesai_infra.credentials import Credential
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import stacks


def stack_names(incomplete: str) -> list[str]:
    """Stacks that have a file in the project."""
    return [name for name in stacks(root()) if name.startswith(incomplete)]


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
    """Modules that run pods."""
    fields = {field.alias or name: field.annotation for name, field in Settings.model_fields.items()}
    return [name for name in fields if name.startswith(incomplete)]


def credential_names(incomplete: str) -> list[str]:
    """Credentials of a stack."""
    return [str(credential) for credential in Credential if credential.startswith(incomplete)]
