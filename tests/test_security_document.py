"""The table of threats: a threat that is called defended names tests, and they exist."""

from __future__ import annotations

import re

import pytest

from archesai_infra.cli.images.listing import items
from testbed.matrix import CLUSTER
from testbed.stacks import DEVELOPMENT, ROOT, raw, shipped_config

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


def test_what_a_command_verifies_is_what_stacks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    production = shipped_config("prod")
    listed = [*items(raw(production, "prod"), _unheard), *items(raw(DEVELOPMENT | CLUSTER), _unheard)]
    verified = re.findall(r"^  (\S+):<version>", "\n".join(_LINES), re.MULTILINE)
    assert len(verified) == len(re.findall(r"^cosign verify", "\n".join(_LINES), re.MULTILINE))
    assert set(verified) <= {item.repository for item in listed}


def _unheard(line: str) -> None:
    """Charts are not rendered here."""
    assert "helm is not on PATH" in line
