"""The tables of the page on security: a threat that is called defended names tests, and containers get what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

import pytest

from archesai_infra.cli.images.listing import items
from archesai_infra.cli.images.signers import SIGNERS
from archesai_infra.kube.network import connecting
from archesai_infra.stack.flows import flows
from testbed.cluster.scenarios import SCENARIOS
from testbed.matrix import MATRIX
from testbed.secret_readers import READERS, Value
from testbed.stacks import ROOT, raw, shipped_config

_LINES = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()


def _cells(heading: str) -> list[list[str]]:
    """The cells of a table, by row."""
    table = takewhile(lambda line: line.startswith("|"), _LINES[_LINES.index(heading) + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def _rows() -> list[tuple[str, str, str]]:
    """Threat with its attacker, verdict and tests."""
    cells = _cells("| threat | attacker | verdict | how | tests |")
    return [(f"{threat}, by {attacker}", verdict, tests) for threat, attacker, verdict, _, tests in cells]


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


def _values(cell: str) -> Iterator[Value]:
    for part in () if cell == "none" else cell.split("; "):
        secret, *keys = re.findall(r"`([^`]+)`", part)
        yield from (Value(secret, key) for key in keys)


def test_the_table_of_containers_has_the_values_that_tests_expect_and_who_resolves_names() -> None:
    rows = _cells("| container | values of Secrets | resolves names |")
    assert {name.strip("`"): frozenset(_values(cell)) for name, cell, _ in rows} == READERS
    resolving = {component for one in SCENARIOS.values() for component in connecting(flows(one.evaluation().settings))}
    assert {name.strip("`") for name, _, answer in rows if answer == "yes"} == {
        container for container in READERS if container.partition("/")[0] in resolving
    }


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
