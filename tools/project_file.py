"""The keys in `Pulumi.yaml` that the engine checks by itself, from the settings."""

from __future__ import annotations

import yaml

from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings

HEAD = """\
config:
  # Written by `make goldens`: only what the engine can check by itself; all keys are in docs/configuration.md.
  # Defaults are in the settings' models: a default here would replace an object instead of completing it.
"""


def with_keys(text: str) -> str:
    """The project file with the block `config` as the settings have it."""
    before, _, _ = text.partition("\nconfig:\n")
    declared = {f"{PROJECT}:{key.path}": _declared(key) for key in keys(Settings) if _is_checked(key)}
    block = yaml.safe_dump(declared, sort_keys=False, width=110, allow_unicode=True)
    return f"{before}\n{HEAD}" + "".join(f"  {line}\n" for line in block.splitlines())


def _is_checked(key: Key) -> bool:
    """An object with an empty default is checked to be one; a plain value can only be declared where it is required."""
    return "." not in key.path and (key.group or key.required)


def _declared(key: Key) -> dict[str, object]:
    description = " ".join(key.description.split())
    if not key.group:
        return {"type": "string", "description": description}
    return {"type": "object", "default": {}, "description": description}
