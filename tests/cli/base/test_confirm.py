"""Questions before a change: production wants a name, elsewhere a yes is enough, and nobody to ask is a refusal."""

from __future__ import annotations

import io
import sys

import pytest

from archesai_infra.cli.base.confirm import confirm_stack
from archesai_infra.cli.base.errors import CommandError, Exit


def ask(monkeypatch: pytest.MonkeyPatch, typed: str, *, production: bool) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    confirm_stack("main", production=production, yes=False)


@pytest.mark.parametrize(("production", "typed"), [(True, "main\n"), (False, "y\n"), (False, "yes\n"), (False, "Y\n")])
def test_the_right_answer_lets_a_change_go_on(monkeypatch: pytest.MonkeyPatch, typed: str, *, production: bool) -> None:
    ask(monkeypatch, typed, production=production)


@pytest.mark.parametrize(
    ("production", "typed"),
    [(True, "y\n"), (True, "yes\n"), (True, "Main\n"), (True, "\n"), (False, "\n"), (False, "main\n")],
)
def test_any_other_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch, typed: str, *, production: bool) -> None:
    with pytest.raises(CommandError, match="not confirmed; nothing was changed"):
        ask(monkeypatch, typed, production=production)


@pytest.mark.parametrize("production", [True, False])
def test_where_nobody_answers_the_option_is_named(monkeypatch: pytest.MonkeyPatch, *, production: bool) -> None:
    with pytest.raises(CommandError, match="no answer on standard input; --yes confirms") as refused:
        ask(monkeypatch, "", production=production)
    assert refused.value.code == Exit.INPUT
