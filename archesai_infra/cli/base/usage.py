"""What to print for a command line that cannot be parsed; it loads nothing that commands need."""

from __future__ import annotations

import re

import typer

from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.failure import Failure
from archesai_infra.cli.base.text import one_line

_POSSIBLE = re.compile(r" \(Possible options: (.*)\)$")
_SENTENCES = re.compile(r"\. (?=Did you mean |Choose from:)")
"""Where Typer begins a second sentence of its own."""


def failure_of(error: typer.TyperException) -> Failure:
    """The error in the form of every other: what is wrong, what was probably meant, and where the usage is."""
    return Failure(described(error), Exit.INPUT)


def described(error: typer.TyperException) -> str:
    """One sentence in lower case, with the command that shows the usage."""
    message = one_line(getattr(error, "format_message", error.__str__)()).removesuffix(".")
    message = _SENTENCES.sub("; ", _POSSIBLE.sub(r"; did you mean \1?", message))
    message = message.replace("; Did you", "; did you").replace("; Choose from", "; choose from")
    context = getattr(error, "ctx", None)
    shows = f"{context.command_path} -h" if context is not None else "the same command with -h"
    usage = " Usage" if message.endswith("?") else "; usage"
    return f"{message[:1].lower()}{message[1:]}{usage}: {shows}"


def is_help(error: typer.TyperException) -> bool:
    """Whether the error is the help that a group shows where no sub-command follows."""
    return str(error).startswith("Usage: ")
