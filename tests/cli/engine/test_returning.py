"""What an exported state would still have deleted, against what the stack declares."""

from __future__ import annotations

from typing import Any

from archesai_infra.cli.engine.returning import kept, returning
from testbed.stacks import render

URN = "urn:pulumi:dev::archesai::archesai:index:Migrations$kubernetes:batch/v1:Job::migrations-job"


def _job() -> dict[str, Any]:
    (found,) = (one.inputs for one in render({}).resources if one.name == "migrations-job")
    return dict(found)


def _resource(item: dict[str, Any], *, delete: bool) -> dict[str, Any]:
    return {"urn": URN, "inputs": item, "delete": delete}


def _renamed(name: str) -> dict[str, Any]:
    job = _job()
    return job | {"metadata": job["metadata"] | {"name": name}}


def test_a_declared_object_that_was_replaced_is_deleted_no_more() -> None:
    now = _resource(_renamed("archesai-migrations-of-the-edit"), delete=False)
    state = {"resources": [now, _resource(_job(), delete=True)], "manifest": {}}
    assert [one["inputs"] for one in returning(state, render({}))] == [_job()]
    assert kept(state, render({})) == {"resources": [now], "manifest": {}}


def test_a_declared_object_whose_replacement_was_not_recorded_is_what_its_urn_stands_for() -> None:
    state = {"resources": [_resource(_job(), delete=True)]}
    assert kept(state, render({})) == {"resources": [_resource(_job(), delete=False)]}


def test_what_the_stack_does_not_declare_is_still_deleted() -> None:
    state = {
        "resources": [
            _resource(_job(), delete=False),
            _resource(_renamed("archesai-migrations-of-the-edit"), delete=True),
            {
                "urn": "urn:pulumi:dev::archesai::random:index/randomPassword:RandomPassword::x",
                "inputs": {},
                "delete": True,
            },
        ]
    }
    assert returning(state, render({})) == []
    assert kept(state, render({})) == state
