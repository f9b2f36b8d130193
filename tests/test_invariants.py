"""Invariants over every object of both shipped stacks and of every combination of switches."""

from __future__ import annotations

import pytest

from testbed.invariants import violations
from testbed.invariants.view import Rendered
from testbed.matrix import MATRIX
from testbed.stacks import render, shipped

SWITCHES = ("api", "platform", "database", "migrations", "redis", "storage", "unstructured", "scraper", "ingress")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_shipped_stacks_keep_every_invariant(stack: str) -> None:
    assert violations(Rendered.of(shipped(stack, reveal=True))) == []


@pytest.mark.parametrize("name", MATRIX)
def test_every_combination_of_switches_keeps_every_invariant(name: str) -> None:
    assert violations(Rendered.of(render(MATRIX[name], reveal=True))) == []


@pytest.mark.parametrize("module", SWITCHES)
def test_the_matrix_has_every_switch_on_and_off(module: str) -> None:
    defaults = {"api": True, "platform": True, "database": True}
    positions = {
        config.get("migrations", {}).get("mode", "job") == "job" and config.get("api", {}).get("enabled", True)
        if module == "migrations"
        else config.get(module, {}).get("enabled", defaults.get(module, False))
        for config in MATRIX.values()
    }
    assert len(MATRIX) >= 40
    assert positions == {True, False}
