"""What a restore does and in which order, and when it refuses to begin."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from archesai_infra.cli.backups.restore_plan import NEW_VOLUMES, RULES, Target, one_module, refusals, whole
from archesai_infra.cli.backups.secrets import in_state
from archesai_infra.cli.backups.store import StoredDump, dump_of, problems
from archesai_infra.cli.rbac.roles import plural
from archesai_infra.components.backups.kinds import RESTORED
from archesai_infra.components.backups.schedules import CONTENT_LABEL
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.settings import Settings
from testbed.backups import rendered
from testbed.matrix import EVERYTHING, PRODUCTION
from testbed.stacks import Config, raw, render, shipped_config

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
        "namespace", "claims", "dumps", "servers", "load-database", "load-redis", "copy-job", "load-storage", "rest",
    ]  # fmt: skip


def test_secrets_that_a_backup_does_not_hold_are_created_before_anything_runs() -> None:
    backup = _backup() | {"spec": {"excludedResources": ["secrets"]}}
    steps = whole(rendered.production().settings, "prod", backup, None)
    assert [step.name for step in steps][:4] == ["namespace", "claims", "secrets", "dumps"]
    assert steps[2].spec is None


def test_secrets_of_the_state_are_read_without_the_engine_s_marks() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"made-up"'}
    inputs = {"metadata": {"name": "archesai-redis", "namespace": "archesai"}, "stringData": {"REDIS_PASSWORD": secret}}
    deployment = {
        "resources": [
            {"type": "kubernetes:core/v1:Secret", "inputs": inputs},
            {"type": "kubernetes:core/v1:ConfigMap", "inputs": {"metadata": {"name": "archesai-config"}}},
        ]
    }
    assert in_state(deployment) == {"archesai-redis": inputs | {"stringData": {"REDIS_PASSWORD": "made-up"}}}


def test_nothing_that_runs_is_restored_with_the_claims() -> None:
    first = whole(rendered.production().settings, "prod", _backup(), None)[1].spec
    assert first
    assert not {"pods", "statefulsets.apps", "deployments.apps", "jobs.batch", "cronjobs.batch"} & set(
        first["includedResources"]
    )


def test_a_restore_names_every_kind_that_it_brings_and_none_that_gives_rights() -> None:
    for into in (None, "copy"):
        specs = [step.spec for step in whole(rendered.production().settings, "prod", _backup(), into) if step.spec]
        named = {kind for spec in specs for kind in spec["includedResources"]}
        assert all(spec["includedResources"] for spec in specs)
        assert not [kind for kind in named if "rbac" in kind or "webhook" in kind or "customresource" in kind]
        assert named <= {*RESTORED, "pods"}


@pytest.mark.parametrize("config", [EVERYTHING, PRODUCTION], ids=["everything", "production"])
def test_every_kind_of_a_stack_comes_back_or_comes_with_the_next_up(config: Config) -> None:
    made = render(config)
    inside = [item for item in made.objects if item["metadata"].get("namespace") == made.settings.namespace]
    kinds = {f"{plural(item['kind'])}.{item['apiVersion'].rpartition('/')[0]}".rstrip(".") for item in inside}
    assert kinds - set(RESTORED) <= {"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"}


def test_a_restore_never_writes_over_what_exists() -> None:
    steps = whole(rendered.production().settings, "prod", _backup(), None)
    assert {step.spec["existingResourcePolicy"] for step in steps if step.spec} == {"none"}


def test_a_copy_goes_to_its_own_namespace_and_answers_for_no_host() -> None:
    steps = whole(rendered.production().settings, "prod", _backup(), "copy")
    assert all(step.spec["namespaceMapping"] == {"archesai": "copy"} for step in steps if step.spec)
    last = steps[-1].spec
    assert last
    assert not {"ingresses.networking.k8s.io", "cronjobs.batch"} & set(last["includedResources"])


def _external(*modules: str) -> Settings:
    """The production stack with external servers."""
    forms = {
        "database": {"mode": "external", "host": "db.example.com", "existingSecret": "theirs"},
        "redis": {"enabled": True, "mode": "external", "host": "redis.example.com", "existingSecret": "theirs"},
        "storage": {"enabled": True, "mode": "external", "host": "s3.example.com", "existingSecret": "theirs"},
    }
    ingress = {"ingress": {"enabled": False}}
    config = shipped_config("prod") | {module: forms[module] for module in modules} | ingress
    return evaluate(raw(config | {"backups": rendered.BACKUPS}, "prod")).settings


@pytest.mark.parametrize("into", [None, "copy"])
@pytest.mark.parametrize("module", ["database", "redis", "storage"])
def test_servers_outside_the_namespace_are_never_written_by_a_whole_restore(module: str, into: str | None) -> None:
    steps = whole(_external(module), "prod", _backup(), into)
    names = [step.name for step in steps]
    assert f"load-{module}" not in names
    assert module not in [step.module for step in steps]
    kept = next(step for step in steps if step.name == f"keep-{module}")
    assert ("--module" in kept.text) is (into is None)
    assert {f"load-{other}" for other in ("database", "redis", "storage") if other != module} <= set(names)


def test_a_copy_has_no_application_where_it_would_work_on_real_data() -> None:
    outside = whole(_external("database"), "prod", _backup(), "copy")[-1]
    assert outside.spec
    assert "deployments.apps" not in outside.spec["includedResources"]
    assert "the real database" in outside.text
    for steps in (
        whole(_external(), "prod", _backup(), "copy"),
        whole(_external("database"), "prod", _backup(), None),
    ):
        assert steps[-1].spec
        assert "deployments.apps" in steps[-1].spec["includedResources"]


def test_claims_get_new_volumes_unless_theirs_outlived_the_namespace() -> None:
    settings = rendered.production().settings
    new = whole(settings, "prod", _backup(), None)[1]
    assert new.spec
    assert new.spec["resourceModifier"] == {"kind": "ConfigMap", "name": NEW_VOLUMES}
    assert "persistentvolumes" not in new.spec["includedResources"]
    again = whole(settings, "prod", _backup(), None, ["pv-1"])[1]
    assert again.spec
    assert "resourceModifier" not in again.spec
    assert "persistentvolumes" in again.spec["includedResources"]
    assert "pv-1" in again.text


def test_a_dump_that_is_still_on_the_volume_needs_no_restore_by_velero() -> None:
    steps = one_module("prod", _backup(), "database", "archesai", on_volume=True)
    assert [(step.name, step.spec) for step in steps] == [("load-database", None)]


def test_a_dump_pod_that_is_restored_for_its_volume_belongs_to_no_stateful_set_which_would_delete_it() -> None:
    dumps, _ = one_module("prod", _backup(), "database", "archesai", on_volume=False)
    assert dumps.spec
    (rule,) = yaml.safe_load(RULES[dumps.spec["resourceModifier"]["name"]])["resourceModifierRules"]
    (patch,) = rule["mergePatches"]
    changed = json.loads(patch["patchData"])["metadata"]["labels"]
    selected = dumps.spec["labelSelector"]["matchLabels"]
    assert any(selected[label] != value for label, value in changed.items())


@pytest.mark.parametrize(
    ("backup", "target", "options", "said"),
    [
        (_backup(expiration="2026-01-01T12:00:00Z"), EMPTY, {}, "has expired"),
        (_backup(phase="Deleting"), EMPTY, {}, "has expired"),
        (_backup(phase="PartiallyFailed"), EMPTY, {}, "phase is PartiallyFailed"),
        (_backup(hookStatus={}), EMPTY, {}, "0 of 2 dumps ran"),
        (_backup(), RUNNING, {}, "is not empty"),
        (_backup(), RUNNING, {"module": "api"}, "must be one of database, redis, storage"),
        (_backup(), EMPTY, {"module": "database"}, "does not exist: restore all of it"),
        (_backup(), RUNNING, {"module": "redis", "into": "copy"}, "use only one"),
        (_backup(), EMPTY, {"into": "Not_a_name"}, "is not a valid name of a namespace"),
    ],
)
def test_a_restore_that_would_lose_data_is_refused(
    backup: dict[str, Any], target: Target, options: dict[str, str], said: str
) -> None:
    given: dict[str, str | None] = {"module": None, "into": None, **options}
    found = refusals(backup, VOLUMES, target, place="", module=given["module"], into=given["into"], now=NOW)
    assert any(said in reason for reason in found), found


def test_a_good_backup_into_an_empty_namespace_is_not_refused() -> None:
    assert refusals(_backup(), VOLUMES, EMPTY, place="", module=None, into=None, now=NOW) == []


def test_a_backup_without_the_dumps_volume_is_none() -> None:
    assert problems(_backup(), []) == ["the dumps' volume is not in it"]


def test_the_dump_of_a_backup_was_made_between_its_start_and_its_end() -> None:
    names = ("20260101T095959Z", "20260101T100000Z", "20260101T100200Z", "20260101T100501Z")
    dumps = [StoredDump("database", name, 1) for name in names]
    found = dump_of(_backup(), "database", dumps)
    assert found
    assert found.name == "20260101T100200Z"
    assert dump_of(_backup(), "redis", dumps) is None
