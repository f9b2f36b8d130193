from __future__ import annotations

from types import SimpleNamespace

import pulumi
import pytest

from archesai_infra.credentials import Credentials
from archesai_infra.stack.deploy import deploy
from archesai_infra.stack.protection import (
    MAJORS,
    PROTECTED,
    READS,
    ProtectedError,
    earlier,
    from_outputs,
    majors,
    require_protected,
    require_readable,
)
from testbed.stacks import render

PRODUCTION = {
    "environment": "production",
    "cluster": {"context": "prod"},
    "api": {"image": {"tag": "v1.0.0"}},
    "platform": {"image": {"tag": "v1.0.0"}},
    "redis": {"enabled": True},
}


def test_production_lists_the_modules_whose_data_is_protected() -> None:
    assert render(PRODUCTION).outputs[PROTECTED] == ["database", "redis", "security"]
    assert render({"redis": {"enabled": True}}).outputs[PROTECTED] == []


def test_a_module_that_may_go_is_protected_no_more() -> None:
    declared = render(PRODUCTION | {"security": {"unprotected": ["redis"]}})
    assert declared.outputs[PROTECTED] == ["database", "security"]
    guards = {one.name: one.protect for one in declared.resources if one.name.endswith(("-data", "-stateful-set"))}
    assert guards == {
        "database-data": True,
        "database-stateful-set": True,
        "redis-data": False,
        "redis-stateful-set": False,
    }


def test_what_was_protected_and_is_gone_is_refused_with_both_ways_on() -> None:
    require_protected(["redis"], {"redis", "database"})
    with pytest.raises(
        ProtectedError, match=r"redis, storage would be deleted.*security\.unprotected: \[redis, storage\]"
    ):
        require_protected(["database", "storage", "redis"], {"database"})


NEWER = {"database": {"image": {"tag": "0.8.6-pg17-bookworm"}}}


def test_another_major_version_of_postgres_is_refused_over_the_data_of_the_first() -> None:
    before = from_outputs(render().outputs)
    assert before.majors == {"archesai-postgres-data": "16"}
    require_readable(before.majors, majors(render({"database": {"image": {"tag": "0.9.1-pg16-bookworm"}}}).settings))
    with pytest.raises(ProtectedError, match=r"holds data of PostgreSQL 16, which version 17 does not read.*new claim"):
        require_readable(before.majors, majors(render(NEWER).settings))


def test_another_claim_takes_another_major_version_and_the_way_back_stays_open() -> None:
    first = from_outputs(render().outputs)
    moved = render({"database": NEWER["database"] | {"claimName": "archesai-postgres-17"}})
    require_readable(first.majors, majors(moved.settings))
    after = {**first.majors, **majors(moved.settings)}
    assert after == {"archesai-postgres-data": "16", "archesai-postgres-17": "17"}
    require_readable(after, majors(render().settings))


def test_a_stack_of_a_release_that_recorded_no_version_is_judged_by_its_image() -> None:
    recorded = {key: value for key, value in render().outputs.items() if key != MAJORS}
    with pytest.raises(ProtectedError, match="holds data of PostgreSQL 16"):
        require_readable(from_outputs(recorded).majors, majors(render(NEWER).settings))


def test_the_program_itself_refuses_before_it_declares_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    with pytest.raises(ProtectedError, match="does not read"):
        deploy(render(NEWER).settings, Credentials(), "dev", before=from_outputs(render().outputs))


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
    monkeypatch.setattr("archesai_infra.stack.protection.READ_PAUSE", 0)
    return answers


def test_a_state_that_is_written_at_the_moment_is_read_again(reads: list[object]) -> None:
    reads += [Exception("failed to load checkpoint: EOF"), {"outputs": {PROTECTED: ["database"]}}]
    assert earlier("prod").protected == ("database",)


def test_a_state_that_cannot_be_read_stays_an_error(reads: list[object]) -> None:
    reads += [Exception("failed to load checkpoint: EOF")] * READS
    with pytest.raises(Exception, match="failed to load checkpoint"):
        earlier("prod")
    assert reads == []
