"""Commands on terminals of 80 and 120 columns, with colours and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.cli.projects import no_engine, project
from testbed.cli.running import run
from testbed.cli.screens import COLORS
from testbed.cli.terminals import on_terminal

__all__ = ["no_engine", "project"]

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_engine")]
COMMAND = re.compile(r"(arches|kubectl) ")
COMMANDS = [
    ("preview", "--offline", "--stack", "prod"),
    ("config", "explain", "redis"),
    ("logs", "nope"),
    ("config", "set", "redis.maxmemory", "a text that is no number and long enough to need a second line"),
]


@pytest.mark.parametrize(("columns", "color"), [(80, True), (120, False)])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(
    project: Path, words: tuple[str, ...], columns: int, *, color: bool
) -> None:
    shown = on_terminal(*words, columns=columns, directory=project, color=color)
    plain = COLORS.sub("", shown)
    wide = [line.strip() for line in plain.splitlines() if len(line) > columns]
    assert [line for line in wide if " " in line and not COMMAND.match(line)] == []
    assert color or shown == plain
    result = run(*words)
    assert plain.split() == [*result.output.split(), *result.stderr.split()]
