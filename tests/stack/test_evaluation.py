"""The in-process evaluation leaves the process as it found it."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

from archesai_infra.stack.evaluate import evaluate
from testbed.stacks import DEVELOPMENT, raw


def _manner() -> tuple[bool, Any]:
    return gc.isenabled(), getattr(sys, "tracebacklimit", None)


def test_an_evaluation_collects_garbage_and_shows_tracebacks_afterwards_as_before() -> None:
    before = _manner()
    evaluate(raw(DEVELOPMENT))
    assert _manner() == before


def test_an_evaluation_that_fails_does_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("made to fail")

    monkeypatch.setattr("archesai_infra.stack.evaluate.deploy", fail)
    monkeypatch.setattr(sys, "tracebacklimit", 7, raising=False)
    before = _manner()
    with pytest.raises(LookupError):
        evaluate(raw(DEVELOPMENT))
    assert _manner() == before == (before[0], 7)
