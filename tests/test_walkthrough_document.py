"""The document of the walk-through can be run, and what it says can be missing."""

from __future__ import annotations

import pytest

from testbed.engine.walking import first_missing, steps
from testbed.stacks import ROOT

DOCUMENT = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")


def test_every_command_of_the_walk_through_says_what_it_prints() -> None:
    found = list(steps(DOCUMENT))
    assert found[0].command == "make preview"
    assert found[-1].command.startswith("make destroy")
    assert [step.command for step in found if not set(step.expected) - {"…"}] == []


@pytest.mark.parametrize(
    ("expected", "output", "missing"),
    [
        (["a", "…", "c"], "a\nb\nc", None),
        (["    + … created"], "    + 41 created", None),
        (["c", "a"], "a\nb\nc", "a"),
        (["a"], "an a", "a"),
        (["a (…)"], "a [1]", "a (…)"),
    ],
)
def test_lines_are_looked_for_whole_and_in_order(expected: list[str], output: str, missing: str | None) -> None:
    assert first_missing(expected, output) == missing
