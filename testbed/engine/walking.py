"""Terminal sessions in a document: the commands after `$`, and what the document says they print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ANYTHING = "…"
"""Stands for any text in a line; alone on a line, for any lines."""


@dataclass(frozen=True)
class Step:
    """A command, and the lines it prints."""

    command: str
    expected: tuple[str, ...]


def steps(document: str) -> Iterator[Step]:
    """The steps of every `console` block, in order."""
    for block in re.findall(r"^```console\n(.*?)^```$", document, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = part.rstrip("\n").split("\n")
            yield Step(command, tuple(expected))


def first_missing(expected: Sequence[str], output: str) -> str | None:
    """The first line that does not come after those before it, if any."""
    lines = iter(output.splitlines())
    for line in expected:
        pattern = re.compile(".*".join(map(re.escape, line.split(ANYTHING))))
        if line != ANYTHING and not any(pattern.fullmatch(printed.rstrip()) for printed in lines):
            return line
    return None
