"""A stack file as a command would write it, before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.config.edit import dumped, loaded, put
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.stack_file import read


def changed(stack: str, values: Mapping[str, Any]) -> str:
    """The text of the stack file with other values; None removes a key. Comments and order stay."""
    document = loaded((project_root() / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    for key, value in values.items():
        put(document, key, value)
    return dumped(document)


def parsed(stack: str, text: str) -> RawConfig:
    """The configuration in a text for a stack file; raises ConfigError."""
    with TemporaryDirectory(prefix="arches-") as directory:
        (Path(directory) / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        return read(Path(directory), stack)
