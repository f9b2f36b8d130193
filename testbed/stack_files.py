"""Stack files made on the spot and read the way the offline evaluation reads them."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

from archesai_infra.stack.config import ConfigError, load
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.stack_file import read

DEVELOPMENT = "archesai:environment: development"
PRODUCTION = """\
archesai:environment: production
archesai:domain: example.com
archesai:api: {image: {tag: v1.0.0}}
archesai:platform: {image: {tag: v1.0.0}}"""


def write(directory: Path, *keys: str, stack: str = "dev") -> None:
    """A stack file with these blocks of keys below `config`."""
    blocks = "\n".join(indent(dedent(block).strip(), "  ") for block in keys)
    (directory / f"Pulumi.{stack}.yaml").write_text(f"config:\n{blocks}\n", encoding="utf-8")


def settings(directory: Path, *keys: str) -> Settings:
    """What a stack file with these keys means."""
    write(directory, *keys)
    return load(read(directory, "dev"))[0]


def reasons(directory: Path, stack: str = "dev") -> list[str]:
    """What is wrong with a stack file, without line and column; empty where nothing is."""
    return [re.sub(r"^(Pulumi\.[^:]*):\d+:\d+: ", r"\1: ", reason) for reason in placed_reasons(directory, stack)]


def placed_reasons(directory: Path, stack: str = "dev") -> list[str]:
    """What is wrong with a stack file and where; empty where nothing is."""
    try:
        load(read(directory, stack))
    except ConfigError as error:
        return error.reasons
    return []
