"""Lines for a terminal, wrapped between words: what is copied from them stays whole; and whether it shows colours."""

from __future__ import annotations

import os
import re
import shutil
from typing import TextIO

_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_QUOTED = r"""'[^']*'|"[^"]*\""""
_COMMAND = re.compile(
    rf"""(?<![-\w/])(?:\.venv/bin/)?(?:arches|kubectl|pulumi|make|docker)[ ]
    (?: {_QUOTED} | [^;,`()'"] | ,(?=\w) )*
    (?: {_QUOTED} | [^;,`()'".\s] )""",
    re.VERBOSE,
)
"""A command with its arguments, quoted ones and lists as `get all,pvc` included.

A line break in it would be typed as Enter.
"""
_INDENT = 2
_NARROW = 20
"""Columns that an indent leaves for text at least."""
_HELD = "\0"


def wrapped(line: str, width: int, indent: int | None = None) -> list[str]:
    """A line in pieces of at most `width` columns.

    A word that is wider, and a command, is never broken: the terminal goes on with it on its next line, and it is
    copied in one piece. Following lines are indented by `indent`, or by two columns more than the first.
    """
    if _columns(line) <= width:
        return [line]
    if indent is None or indent > width - _NARROW:
        indent = len(line) - len(line.lstrip()) + _INDENT
    margin = " " * indent
    words = _COMMAND.sub(lambda match: match[0].replace(" ", _HELD), line.strip()).split(" ")
    lines = [line[: len(line) - len(line.lstrip())] + words[0]]
    for word in words[1:]:
        if _columns(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{margin}{word}")
    return [piece.replace(_HELD, " ") for piece in lines]


def widest_command(text: str) -> int:
    """Columns of the widest command in a text, which needs a line that is as wide."""
    return max((len(match[0]) for match in _COMMAND.finditer(text)), default=0)


def pieces(line: str, stream: TextIO, indent: int | None = None) -> list[str]:
    """A line as it is printed to a stream: wrapped on a terminal, whole in a pipe."""
    return wrapped(line, width_of_terminal(), indent) if stream.isatty() else [line]


def shows_colors(stream: TextIO) -> bool:
    """Whether a stream shows colours, by the rules that Rich has for tables: an empty NO_COLOR is none."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")


def width_of_terminal() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size().columns


def _columns(text: str) -> int:
    return len(_COLORS.sub("", text))
