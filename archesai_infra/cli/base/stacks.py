"""A stack's configuration, read from its file in the project."""

from __future__ import annotations

from archesai_infra.cli.base.project import root
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.stack_file import read


def read_stack(stack: str) -> RawConfig:
    """The configuration in a stack's file, without the engine; raises ConfigError."""
    return read(root(), stack)


def checked_stack(stack: str) -> RawConfig:
    """The same, of a file whose settings are valid; raises ConfigError."""
    raw = read_stack(stack)
    load(raw)
    return raw
