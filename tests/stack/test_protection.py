from __future__ import annotations

import pytest

from archesai_infra.stack.protection import PROTECTED, ProtectedError, losing_protection, require_protected
from testbed.stacks import Config, render

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


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"environment": "development"}, ["the protection of database, redis, security:"]),
        ({"security": {"unprotected": ["redis"]}}, []),
        (
            {"environment": "development", "security": {"unprotected": ["redis"]}},
            ["the protection of database, security:"],
        ),
    ],
)
def test_protection_that_ends_with_the_environment_is_named(changed: Config, said: list[str]) -> None:
    before = render(PRODUCTION).outputs[PROTECTED]
    after = PRODUCTION | changed
    found = list(losing_protection(before, render(after).outputs[PROTECTED], render(after).settings))
    assert len(found) == len(said)
    assert all(words in text for words, text in zip(said, found, strict=True))
