"""The table of threats: a threat that is called defended names tests, and they exist."""

from __future__ import annotations

import re
import shlex

import pytest

from archesai_infra.cli.images.listing import items
from archesai_infra.cli.images.signers import SIGNERS
from testbed.matrix import MATRIX
from testbed.stacks import ROOT, raw, shipped_config

_LINES = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
_HEADING = "| threat | attacker | verdict | how | tests |"


def _rows() -> list[tuple[str, str, str]]:
    """Threat with its attacker, verdict and tests."""
    rows: list[tuple[str, str, str]] = []
    for line in _LINES[_LINES.index(_HEADING) + 2 :]:
        if not line.startswith("|"):
            break
        threat, attacker, verdict, _, tests = (cell.strip() for cell in line.strip("|").split("|"))
        rows.append((f"{threat}, by {attacker}", verdict, tests))
    return rows


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_a_verdict_rests_on_tests_that_exist_or_says_that_nothing_is_defended(row: tuple[str, str, str]) -> None:
    _, verdict, tests = row
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
    assert verdict.startswith("defended") is bool(named)
    assert named or (verdict.startswith("not defended") and tests == "none")
    missing = [
        name for file, name in named if f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert not missing


def _documented() -> dict[str, tuple[str, ...]]:
    """Options of the commands in the page, by the repositories that they verify."""
    commands: dict[str, tuple[str, ...]] = {}
    for text in re.findall(r"^cosign verify ((?:.*\\\n)*.*)$", "\n".join(_LINES), re.MULTILINE):
        words = shlex.split(text.replace("\\\n", " "))
        images = [word.removesuffix(":<version>") for word in words if word.endswith(":<version>")]
        assert words[-len(images) :] == [f"{image}:<version>" for image in images]
        commands |= dict.fromkeys(images, tuple(words[: -len(images)]))
    return commands


def test_the_page_has_the_commands_that_doctor_runs() -> None:
    assert _documented() == {repository: signer.options for repository, signer in SIGNERS.items()}


def test_what_has_a_signer_is_what_stacks_run() -> None:
    stacks = [raw(MATRIX[f"database cluster with {part}"]) for part in ("a pooler", "an archive")]
    listed = [item for stack in (raw(shipped_config("prod"), "prod"), *stacks) for item in items(stack, warn=None)]
    assert set(SIGNERS) - {item.repository for item in listed} == set()
