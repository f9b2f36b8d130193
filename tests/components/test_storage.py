from __future__ import annotations

from testbed.components.parts import configuration, container, logical_names, resource, template, variables, volume
from testbed.matrix import ON, STORAGE_KEYS
from testbed.stacks import ALONE, find, render

NAME = "archesai-storage"
STORAGE = ALONE | {"storage": ON}
MINIO = ALONE | {"storage": ON | {"server": "minio"}}


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


def test_a_job_makes_the_bucket_and_tries_until_the_server_is_up() -> None:
    _, maker = bucket({"bucket": "documents", "region": "eu-central-1"})
    args = maker["args"]
    assert isinstance(args, list)
    assert args[:2] == ["mkdir", "store:documents"]
    assert args[args.index("--retries") + 1] == "30"
    assert variables(maker) == {
        "RCLONE_CONFIG": "/tmp/rclone.conf",
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": "http://archesai-storage:9000",
        "RCLONE_CONFIG_STORE_REGION": "eu-central-1",
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": "archesai-storage/ACCESS_KEY",
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": "archesai-storage/SECRET_KEY",
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
    assert variables(container(stack, "Deployment", "archesai-api"))["ARCHES_STORAGE_ACCESSKEY"] == "theirs/ACCESS_KEY"
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
