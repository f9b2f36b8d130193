"""What the last `up` recorded, read from a state that may be written at the moment."""

from __future__ import annotations

from types import SimpleNamespace

import pulumi
import pytest

from archesai_infra.stack.protection import PROTECTED
from archesai_infra.stack.recorded import READS, earlier


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What each read of the stack's outputs gives in turn; an exception is raised."""
    answers: list[object] = []

    def invoke(*_: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(value=answer)

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
    monkeypatch.setattr("archesai_infra.stack.recorded.READ_PAUSE", 0)
    return answers


def test_a_state_that_is_written_at_the_moment_is_read_again(reads: list[object]) -> None:
    reads += [Exception("failed to load checkpoint: EOF"), {"outputs": {PROTECTED: ["database"]}}]
    assert earlier("prod").protected == ("database",)


def test_a_state_that_cannot_be_read_stays_an_error(reads: list[object]) -> None:
    reads += [Exception("failed to load checkpoint: EOF")] * READS
    with pytest.raises(Exception, match="failed to load checkpoint"):
        earlier("prod")
    assert reads == []
