"""The reference of the `arches` command and the graph of the shipped stacks, from the code itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archesai_infra.cli import app
from archesai_infra.cli.base.errors import MEANINGS
from archesai_infra.cli.graph.drawing import mermaid
from archesai_infra.stack.config import load
from archesai_infra.stack.stack_file import read, stacks

HEAD = """# The `arches` command

Written by `make goldens` from the command itself. `make setup` installs it as `.venv/bin/arches`;
`arches --install-completion` adds completion of commands, stacks, modules and keys to bash, zsh and fish.

Colours and tables are for a terminal: in a pipe a line is a line, `NO_COLOR` turns colours off anywhere, and `--json`
prints a document for scripts. Errors go to standard error, each with its cure.
"""


def cli_reference() -> str:
    """The page of all commands, with their arguments, options and exit codes."""
    codes = "".join(f"| {code.value} | {text} |\n" for code, text in MEANINGS.items())
    parts = [HEAD, f"## Exit codes\n\n| code | meaning |\n|--:|---|\n{codes}"]
    for name, entry in app.COMMANDS.items():
        if not entry.hidden:
            parts += _pages(f"arches {name}", app.load(name))
    return "\n".join(parts)


def _pages(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - the framework's types are private
    inner: dict[str, Any] = getattr(command, "commands", {})
    for sub, found in inner.items():
        yield from _pages(f"{name} {sub}", found)
    if not inner:
        yield _page(name, command)


def _page(name: str, command: Any) -> str:  # noqa: ANN401 - likewise
    shown = [item for item in command.params if "--help" not in item.opts]
    arguments = [item for item in shown if item.param_type_name == "argument"]
    options = [item for item in shown if item.param_type_name == "option"]
    usage = " ".join([name, *(_usage(item) for item in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [
        *(f"| `{_usage(item)}` | {_meaning(item)} |" for item in arguments),
        *(f"| `{', '.join(item.opts)}` | {_meaning(item)} |" for item in options),
    ]
    table = "\n".join(["", "| | |", "|---|---|", *rows, ""]) if rows else ""
    return f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n```\n{usage}\n```\n{table}"


def _usage(item: Any) -> str:  # noqa: ANN401 - likewise
    name = str(item.name).upper()
    return name if item.required else f"[{name}]"


def _meaning(item: Any) -> str:  # noqa: ANN401 - likewise
    default = item.default
    text = item.help or ""
    plain = isinstance(default, str | int) and not isinstance(default, bool) and default != ""
    return f"{text} Default: `{default}`." if plain else text


def graph_page(root: Path) -> str:
    """The modules of every shipped stack and what flows between them."""
    parts = [
        "# Modules and flows\n",
        "Written by `make goldens`, as `arches graph` draws it. The network policies are made from the same list: what",
        "has no arrow here is refused.\n",
    ]
    for stack in stacks(root):
        settings, _ = load(read(root, stack))
        parts.append(f"## {stack}\n\n```mermaid\n{mermaid(settings)}\n```\n")
    return "\n".join(parts)
