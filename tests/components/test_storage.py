from __future__ import annotations

from typing import Any, cast

from archesai_infra.components.backups.objects import restoring
from archesai_infra.stack.storage import storage_users
from testbed.components.parts import (
    configuration,
    container,
    depends_on,
    logical_names,
    resource,
    template,
    variables,
    volume,
)
from testbed.matrix import ON, STORAGE_KEYS
from testbed.stacks import ALONE, find, render

NAME = "archesai-storage"
STORAGE = ALONE | {"storage": ON}
MINIO = ALONE | {"storage": ON | {"server": "minio"}}
EVERYTHING_ON_MINIO = {
    "storage": ON | {"server": "minio"},
    "monitoring": ON | {"logs": {"storage": "objectStorage"}},
    "backups": ON | {"bucket": "elsewhere", "existingSecret": "keys"},
}


def bucket(change: dict[str, object] | None = None) -> tuple[str, dict[str, object]]:
    stack = render(ALONE | {"storage": ON | (change or {})})
    name = resource(stack, "storage-bucket-job").inputs["metadata"]["name"]
    return name, container(stack, "Job", name)


def test_rustfs_reads_its_keys_from_files() -> None:
    assert variables(container(render(STORAGE), "StatefulSet", NAME)) == {
        "RUSTFS_VOLUMES": "/data",
        "RUSTFS_ADDRESS": ":9000",
        "RUSTFS_CONSOLE_ENABLE": "true",
        "RUSTFS_CONSOLE_ADDRESS": ":9001",
        "RUSTFS_OBS_LOG_DIRECTORY": "",
        "RUSTFS_REGION": "us-east-1",
        "RUSTFS_ACCESS_KEY_FILE": "/run/secrets/archesai/ACCESS_KEY",
        "RUSTFS_SECRET_KEY_FILE": "/run/secrets/archesai/SECRET_KEY",
    }
    items = volume(render(STORAGE), "StatefulSet", NAME, "/run/secrets/archesai")["secret"]["items"]
    assert [item["path"] for item in items] == ["ACCESS_KEY", "SECRET_KEY"]


def test_minio_reads_its_keys_from_files_and_writes_nothing_below_its_root() -> None:
    server = container(render(MINIO), "StatefulSet", NAME)
    assert server["image"].startswith("quay.io/minio/minio:RELEASE.")
    assert variables(server)["MINIO_ROOT_PASSWORD_FILE"] == "/run/secrets/archesai/SECRET_KEY"
    assert server["args"][-2:] == ["--certs-dir", "/tmp/certs"]
    assert server["readinessProbe"]["httpGet"] == {"path": "/minio/health/ready", "port": 9000}


def test_readiness_asks_more_than_liveness() -> None:
    server = container(render(STORAGE), "StatefulSet", NAME)
    assert server["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert server["livenessProbe"]["httpGet"]["path"] == "/health"


def test_both_ports_are_behind_the_service() -> None:
    ports = find(render(STORAGE), "Service", NAME)["spec"]["ports"]
    assert {port["name"]: port["port"] for port in ports} == {"s3": 9000, "console": 9001}


def test_a_job_makes_the_bucket_and_the_users_with_keys_from_files() -> None:
    _, maker = bucket({"bucket": "documents"})
    assert maker["command"] == ["/bin/sh", "/etc/archesai/users.sh"]
    assert variables(maker) == {
        "STORE": "http://archesai-storage:9000",
        "BUCKETS": "documents",
        "USERS": "",
        "PREFIX": "user-",
        "KEYS": "/run/secrets/archesai",
        "SCRIPTS": "/etc/archesai",
        "MC_CONFIG_DIR": "/tmp/mc",
        "HOME": "/tmp",
    }


def test_only_the_server_and_the_bucket_s_job_see_the_administrator_s_keys() -> None:
    stack = render(EVERYTHING_ON_MINIO)
    seen = {
        f"{item['kind']} {item['metadata']['labels']['app.kubernetes.io/component']}"
        for item in stack.objects
        if item["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob") and NAME in _secrets_of(item)
    }
    assert seen == {"StatefulSet storage", "Job storage-bucket"}
    revealed = render(EVERYTHING_ON_MINIO | STORAGE_KEYS, reveal=True)
    copies = [
        item["metadata"]["name"]
        for item in revealed.objects
        if STORAGE_KEYS["storageSecretKey"] in str(item) and item["kind"] == "Secret"
    ]
    assert copies == [NAME]


def _secrets_of(item: dict[str, Any]) -> set[str]:
    """Names of the Secrets that a workload's pod refers to."""
    found: set[str] = set()

    def look(part: object) -> None:
        if isinstance(part, dict):
            node = cast("dict[str, Any]", part)
            for key in ("secretKeyRef", "secret"):
                reference: dict[str, Any] = node.get(key) or {}
                found.update({reference[name] for name in ("name", "secretName") if name in reference})
            for value in node.values():
                look(value)
        if isinstance(part, list):
            for value in cast("list[Any]", part):
                look(value)

    look(item["spec"])
    return found


def test_the_api_gets_its_new_keys_only_after_the_server_knows_them() -> None:
    assert "storage-bucket-job" in depends_on(render({"storage": ON}), "api-deployment")


def test_another_key_is_another_job() -> None:
    first = resource(render(STORAGE | STORAGE_KEYS), "storage-bucket-job").inputs["metadata"]["name"]
    other = STORAGE_KEYS | {"storageSecretKey": "another-made-up-key"}
    assert resource(render(STORAGE | other), "storage-bucket-job").inputs["metadata"]["name"] != first


def test_a_restore_writes_with_a_user_that_no_pod_runs_with_otherwise() -> None:
    job = find(render(EVERYTHING_ON_MINIO), "CronJob", "archesai-backups-objects")["spec"]["jobTemplate"]["spec"]
    assert "archesai-storage-restore" not in str(job)
    (copier,) = restoring(job, "archesai-storage-restore")["template"]["spec"]["containers"]
    assert copier["args"] == ["restore"]
    assert variables(copier)["RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID"] == "archesai-storage-restore/ACCESS_KEY"
    assert variables(copier)["RCLONE_CONFIG_SOURCE_SECRET_ACCESS_KEY"] == "archesai-storage-restore/SECRET_KEY"


def test_each_consumer_gets_one_bucket_and_no_more_than_it_does_there() -> None:
    found = {user.name: (user.rights, user.bucket) for user in storage_users(render(EVERYTHING_ON_MINIO).settings)}
    assert found == {
        "api": ("write", "arches"),
        "objects": ("read", "arches"),
        "restore": ("write", "arches"),
        "logs": ("write", "arches-logs"),
        "prometheus": ("metrics", ""),
    }


def test_another_bucket_is_another_job() -> None:
    assert bucket()[0] != bucket({"bucket": "documents"})[0]
    assert bucket()[0] == bucket({"size": "30Gi"})[0]


def test_the_bucket_s_job_reaches_the_server_and_nothing_else() -> None:
    spec = find(render(STORAGE), "NetworkPolicy", "archesai-storage-bucket")["spec"]
    (rule,) = spec["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 9000}]
    assert "ingress" not in spec


def test_configured_keys_are_used() -> None:
    stack = render(STORAGE | STORAGE_KEYS, reveal=True)
    assert find(stack, "Secret", NAME)["stringData"] == {
        "ACCESS_KEY": STORAGE_KEYS["storageAccessKey"],
        "SECRET_KEY": STORAGE_KEYS["storageSecretKey"],
    }
    assert logical_names(stack) & {"storage-access-key", "storage-secret-key"} == set()


def test_keys_of_others_are_read_where_they_are() -> None:
    stack = render({"storage": ON | {"existingSecret": "theirs"}})
    assert volume(stack, "StatefulSet", NAME, "/run/secrets/archesai")["secret"]["secretName"] == "theirs"
    assert variables(container(stack, "Deployment", "archesai-api"))["ARCHES_STORAGE_ACCESSKEY"] == (
        "archesai-storage-api/ACCESS_KEY"
    )
    assert "storage-secret" not in logical_names(stack)


def test_an_external_storage_gives_the_api_the_same_settings_and_makes_no_bucket() -> None:
    external = ON | {"mode": "external", "host": "s3.example.com", "bucket": "documents"}
    stack = render({"storage": external} | STORAGE_KEYS)
    assert configuration(stack)["storage"] == {
        "enabled": True,
        "endpoint": "https://s3.example.com:443",
        "bucket": "documents",
        "accesskey": "",
        "secretkey": "",
    }
    assert logical_names(stack, "storage") == {"storage", "storage-secret"}


def test_an_external_storage_may_speak_http() -> None:
    external = ON | {
        "mode": "external",
        "host": "minio.internal",
        "port": 9000,
        "tls": False,
        "existingSecret": "theirs",
    }
    assert configuration(render({"storage": external}))["storage"]["endpoint"] == "http://minio.internal:9000"


def test_the_server_has_a_minute_to_stop() -> None:
    assert template(render(STORAGE), "StatefulSet", NAME)["spec"]["terminationGracePeriodSeconds"] == 60


def test_rustfs_logs_to_its_standard_output() -> None:
    stack = render(STORAGE)
    assert variables(container(stack, "StatefulSet", NAME))["RUSTFS_OBS_LOG_DIRECTORY"] == ""
    assert "logs" not in {volume["name"] for volume in template(stack, "StatefulSet", NAME)["spec"]["volumes"]}
