"""Colours on a terminal: tables, errors and differences follow the same rules."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable

import pytest

from archesai_infra.cli.base.console import colored, print_lines
from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.failure import Failure
from archesai_infra.cli.base.tables import print_table

GREEN, RED = "\x1b[32m", "\x1b[1;31m"
ROWS = [["problem", "api", "Deployment archesai-api"], ["ok", "redis", "StatefulSet archesai-redis"]]
RULES: list[tuple[dict[str, str], bool]] = [
    ({"TERM": "xterm-256color"}, True),
    ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "dumb"}, False),
]


def _on_terminal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], act: Callable[[], object]) -> str:
    """What an action prints where both output streams are a terminal."""
    watched, used = pty.openpty()
    with monkeypatch.context() as patch, os.fdopen(used, "w", encoding="utf-8") as stream:
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "LINES"):
            patch.delenv(name, raising=False)
        for name, value in ({"COLUMNS": "100"} | variables).items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        act()
        stream.flush()
        shown = os.read(watched, 4096).decode()
    os.close(watched)
    return shown


@pytest.mark.parametrize(("variables", "colors"), RULES)
def test_a_status_is_green_or_red_where_the_terminal_shows_colours(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, colors: bool
) -> None:
    shown = _on_terminal(monkeypatch, variables, lambda: print_table(["Status", "Module", "Object"], ROWS))
    assert (f"{RED}problem" in shown, f"{GREEN}ok" in shown) == (colors, colors)
    assert "Deployment archesai-api" in shown


@pytest.mark.parametrize(("variables", "colors"), RULES)
def test_an_error_is_red_where_a_table_has_colours(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, colors: bool
) -> None:
    shown = _on_terminal(monkeypatch, variables, lambda: Failure("no such key", Exit.INPUT).report(json=False))
    assert ("\x1b[" in shown) == colors
    assert "no such key" in shown


@pytest.mark.parametrize(("variables", "colors"), RULES)
def test_a_difference_has_colours_where_a_table_has(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, colors: bool
) -> None:
    assert f"{colors}" in _on_terminal(monkeypatch, variables, lambda: print_lines([f"{colored()}"]))
