"""What the backups refuse, in the operator's words."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import evaluate
from testbed.stacks import DEVELOPMENT, raw, render, shipped_config

KEYS = {"backupsAccessKey": "access", "backupsSecretKey": "secret"}
BUCKET = {"enabled": True, "bucket": "elsewhere"}


def _refused(config: dict[str, Any], stack: str = "dev") -> str:
    with pytest.raises(ConfigError) as found:
        evaluate(raw(config, stack))
    return str(found.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"backups": {"enabled": True}, **KEYS}, "backups.bucket: is required"),
        ({"backups": BUCKET}, "backups: the bucket needs its keys"),
        ({"backups": BUCKET, "backupsAccessKey": "a"}, "backupsAccessKey: needs its other half"),
        (
            {"backups": BUCKET | {"existingSecret": "cloud"}, **KEYS},
            "backups.existingSecret: backupsAccessKey is also set; keep only one",
        ),
        (
            {"backups": BUCKET | {"dump": {"timeout": 900, "hookTimeout": 1000}}, **KEYS},
            "timeout (900) must not be more than 0.8 of hookTimeout (1000)",
        ),
        ({"backups": BUCKET | {"dump": {"keep": 1}}, **KEYS}, "backups.dump.keep: must be at least 2 (got 1)"),
        (
            {"backups": BUCKET | {"dump": {"size": "20Gi"}}, "database": {"size": "10Gi"}, **KEYS},
            "backups.dump.size: 20Gi holds fewer than keep + 1 dumps of a full database: set at least 27648Mi",
        ),
        (
            {"backups": BUCKET | {"schedules": {"weekly": {"ttl": "168h"}}}, **KEYS},
            "backups.schedules.weekly.ttl: 168h ends before the next backup of this schedule is made (up to 168h",
        ),
        (
            {"backups": BUCKET | {"schedules": {"daily": {"cron": "0 0 * * mon-fri", "ttl": "48h"}}}, **KEYS},
            "backups.schedules.daily.ttl: 48h ends before the next backup of this schedule is made (up to 72h",
        ),
        (
            {"api": {"settings": {"database.maxConns": 100}}},
            "database.postgres.maxConnections: 2 pods of the api with api.settings.database.maxConns 100",
        ),
        (
            {
                "backups": BUCKET | {"velero": {"existingRepositorySecret": True}},
                "backupsRepositoryPassword": "x",
                **KEYS,
            },
            "backups.velero.existingRepositorySecret: backupsRepositoryPassword is also set; keep only one",
        ),
        (
            {
                "backups": BUCKET | {"endpoint": "https://s3.example.com", "bucket": "arches"},
                "storage": {"enabled": True, "mode": "external", "host": "s3.example.com"},
                "storageAccessKey": "a",
                "storageSecretKey": "b",
                **KEYS,
            },
            "backups.bucket: is the application's own bucket",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(config: dict[str, Any], said: str) -> None:
    assert said in _refused(DEVELOPMENT | config)


def test_a_schedule_that_is_off_may_have_any_retention() -> None:
    off = {"schedules": {"weekly": {"enabled": False, "ttl": "1h"}, "daily": {"ttl": "25h"}}}
    assert evaluate(raw(DEVELOPMENT | {"backups": BUCKET | off} | KEYS)).objects


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://archesai-storage:9000",
        "http://archesai-storage.archesai:9000",
        "http://archesai-storage.archesai.svc:9000",
        "http://archesai-storage.archesai.svc.cluster.local:9000",
        "https://storage.arches.example.com",
    ],
)
def test_production_refuses_its_own_object_storage_as_the_target(endpoint: str) -> None:
    config = shipped_config("prod") | {"backups": BUCKET | {"existingSecret": "cloud", "endpoint": endpoint}}
    assert "this stack's own object storage" in _refused(config, "prod")


def test_development_may_use_its_own_object_storage_with_its_own_keys() -> None:
    found = render(
        {"storage": {"enabled": True}, "backups": BUCKET | {"endpoint": "http://archesai-storage:9000"}}, reveal=True
    )
    secrets = {item["metadata"]["name"]: item for item in found.objects if item["kind"] == "Secret"}
    keys = secrets["archesai-storage-backups"]["stringData"]
    cloud = secrets["cloud-credentials"]["stringData"]["cloud"]
    assert f"aws_access_key_id = {keys['ACCESS_KEY']}\n" in cloud
    assert f"aws_secret_access_key = {keys['SECRET_KEY']}\n" in cloud


def test_backups_are_off_unless_a_stack_turns_them_on() -> None:
    assert not render().settings.backups.enabled
    assert not [item for item in render().objects if item["kind"] == "Schedule"]


def test_production_pins_the_images_of_the_backups_too() -> None:
    backups = BUCKET | {"existingSecret": "cloud", "velero": {"image": {"tag": "latest"}}}
    said = _refused(shipped_config("prod") | {"backups": backups}, "prod")
    assert "backups.velero.image.tag: latest is refused" in said


def test_velero_does_not_share_the_stack_s_namespace() -> None:
    said = _refused(DEVELOPMENT | {"backups": BUCKET | {"velero": {"namespace": "archesai"}}, **KEYS})
    assert "backups.velero.namespace: must not be the same as namespace" in said
