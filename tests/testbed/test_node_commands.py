"""The table of `arches` commands on real nodes says what the tests of tier `node` run, and leaves no command out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.cli.commands import called_in, opening_a_cluster
from testbed.stacks import ROOT

NODE = ROOT / "tests" / "node"
TABLE = NODE / "README.md"
ROW = re.compile(r"^\| `arches ([a-z -]+)` \| (.+?) \|", re.MULTILINE)
FILE = re.compile(r"`(test_\w+\.py)`")


@pytest.fixture(scope="module")
def rows() -> dict[str, str]:
    """What the table says of each command: where it runs, or why it does not."""
    found = ROW.findall(TABLE.read_text(encoding="utf-8"))
    assert len(dict(found)) == len(found), "a command has two rows"
    return dict(found)


@pytest.fixture(scope="module")
def called() -> dict[str, set[str]]:
    """The files that call each command."""
    return called_in(sorted(NODE.glob("test_*.py")))


def test_every_command_that_opens_a_cluster_has_a_row(rows: dict[str, str]) -> None:
    assert {"up", "status", "backup restore"} <= opening_a_cluster()
    assert {"graph", "config explain"}.isdisjoint(opening_a_cluster())
    assert sorted(opening_a_cluster() - rows.keys()) == []


def test_each_row_names_files_that_call_its_command_or_says_why_none_does(
    rows: dict[str, str], called: dict[str, set[str]]
) -> None:
    named = {command: set(FILE.findall(what)) for command, what in rows.items()}
    assert {command: files for command, names in named.items() if (files := names - called.get(command, set()))} == {}
    assert [command for command, what in rows.items() if not named[command] and len(what.split()) < 5] == []


def test_calls_of_the_engine_and_of_unknown_words_are_no_commands(tmp_path: Path) -> None:
    file = tmp_path / "test_calls.py"
    file.write_text(
        'run("status")\nstack.arches("restore", name)\nrun_json("backup", "list")\n'
        'stack.run("preview")\nrun("backup", word)\ndone_well("nothing")\n',
        encoding="utf-8",
    )
    assert called_in([file]) == {command: {file.name} for command in ("status", "backup restore", "backup list")}
