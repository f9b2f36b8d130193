"""What a restore does and in which order, and when it refuses to begin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from archesai_infra.cli.backup_store import StoredDump, dump_of, problems
from archesai_infra.cli.restore_plan import Target, one_module, refusals, whole
from archesai_infra.components.backups.schedules import CONTENT_LABEL
from tests.backups import rendered

NOW = datetime(2026, 1, 2, tzinfo=UTC)
EMPTY = Target("archesai", exists=False, claims=(), running=())
RUNNING = Target(
    "archesai", exists=True, claims=("claim archesai-postgres-data",), running=("deployment archesai-api",)
)
VOLUMES = [{"spec": {"volume": "dumps"}, "status": {"phase": "Completed"}}]


def _backup(**status: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an object
    good = {
        "phase": "Completed",
        "hookStatus": {"hooksAttempted": 2},
        "startTimestamp": "2026-01-01T10:00:00Z",
        "completionTimestamp": "2026-01-01T10:05:00Z",
        "expiration": "2026-01-31T10:00:00Z",
    }
    metadata = {"name": "b", "labels": {CONTENT_LABEL: "database.redis"}}
    return {"metadata": metadata, "status": good | status}


def test_claims_come_first_the_dump_pod_before_the_servers_and_content_before_the_application() -> None:
    names = [step.name for step in whole(rendered.production().settings, "prod", _backup(), None)]
    assert names == [
        "claims", "dumps", "servers", "load-database", "load-redis", "copy-job", "load-storage", "rest",
    ]  # fmt: skip


def test_nothing_that_runs_is_restored_with_the_claims() -> None:
    first = whole(rendered.production().settings, "prod", _backup(), None)[0].spec
    assert first
    assert {"pods", "statefulsets.apps", "deployments.apps", "jobs.batch", "cronjobs.batch"} <= set(
        first["excludedResources"]
    )


def test_a_restore_never_writes_over_what_exists() -> None:
    steps = whole(rendered.production().settings, "prod", _backup(), None)
    assert {step.spec["existingResourcePolicy"] for step in steps if step.spec} == {"none"}


def test_a_copy_goes_to_its_own_namespace_and_answers_for_no_host() -> None:
    steps = whole(rendered.production().settings, "prod", _backup(), "copy")
    assert all(step.spec["namespaceMapping"] == {"archesai": "copy"} for step in steps if step.spec)
    last = steps[-1].spec
    assert last
    assert {"ingresses.networking.k8s.io", "cronjobs.batch"} <= set(last["excludedResources"])


def test_a_dump_that_is_still_on_the_volume_needs_no_restore_by_velero() -> None:
    steps = one_module("prod", _backup(), "database", "archesai", on_volume=True)
    assert [(step.name, step.spec) for step in steps] == [("load-database", None)]


@pytest.mark.parametrize(
    ("backup", "target", "options", "said"),
    [
        (_backup(expiration="2026-01-01T12:00:00Z"), EMPTY, {}, "has expired"),
        (_backup(phase="Deleting"), EMPTY, {}, "has expired"),
        (_backup(phase="PartiallyFailed"), EMPTY, {}, "phase is PartiallyFailed"),
        (_backup(hookStatus={}), EMPTY, {}, "0 of 2 dumps ran"),
        (_backup(), RUNNING, {}, "is not empty"),
        (_backup(), RUNNING, {"module": "api"}, "must be one of database, redis, storage"),
        (_backup(), EMPTY, {"module": "database"}, "is gone: restore all of it"),
        (_backup(), RUNNING, {"module": "redis", "into": "copy"}, "use one of the two"),
        (_backup(), EMPTY, {"into": "Not_a_name"}, "is no name of a namespace"),
    ],
)
def test_a_restore_that_would_lose_data_is_refused(
    backup: dict[str, Any], target: Target, options: dict[str, str], said: str
) -> None:
    given: dict[str, str | None] = {"module": None, "into": None, **options}
    found = refusals(backup, VOLUMES, target, module=given["module"], into=given["into"], now=NOW)
    assert any(said in reason for reason in found), found


def test_a_good_backup_into_an_empty_namespace_is_not_refused() -> None:
    assert refusals(_backup(), VOLUMES, EMPTY, module=None, into=None, now=NOW) == []


def test_a_backup_without_the_dumps_volume_is_none() -> None:
    assert problems(_backup(), []) == ["the dumps' volume is not in it"]


def test_the_dump_of_a_backup_was_made_between_its_start_and_its_end() -> None:
    names = ("20260101T095959Z", "20260101T100000Z", "20260101T100200Z", "20260101T100501Z")
    dumps = [StoredDump("database", name, 1) for name in names]
    found = dump_of(_backup(), "database", dumps)
    assert found
    assert found.name == "20260101T100200Z"
    assert dump_of(_backup(), "redis", dumps) is None
