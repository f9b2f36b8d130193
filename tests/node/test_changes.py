"""Changes of a running stack as `kubectl apply` makes them: growth, passwords, settings."""

from __future__ import annotations

import json

import pytest
import yaml

from testbed.node.stack import NodeStack
from testbed.stacks import Config

pytestmark = pytest.mark.node

SERVERS = ("database", "redis", "storage")
PASSWORDS: Config = {
    "databasePassword": "another password for a test",
    "redisPassword": "another password for a test of redis",
    "storageAccessKey": "another-access-key",
    "storageSecretKey": "another secret key for a test",
}
SETTINGS: Config = {
    "database": {"postgres": {"maxConnections": 42, "parameters": {"work_mem": "5MB"}}},
    "redis": {"maxMemoryPolicy": "noeviction", "appendFsync": "always"},
    "storage": {"region": "eu-test-1"},
    "api": {"logLevel": "warn"},
}


def test_a_volume_grows_under_a_running_server(own: NodeStack) -> None:
    own.apply().wait_ready()
    pod = own.pod("database")
    (before,) = [one for one in own.of_kind("PersistentVolumeClaim") if "postgres" in one["metadata"]["name"]]
    assert before["spec"]["resources"]["requests"]["storage"] != "33Gi"
    own.changed({"database": {"size": "33Gi"}}).apply().wait_ready()
    grown = own.cluster.api.read(before) or {}
    assert grown["status"]["capacity"]["storage"] == "33Gi"
    assert own.pod("database")["metadata"]["name"] == pod["metadata"]["name"]


def test_other_passwords_of_all_servers_end_in_service(fragile: NodeStack) -> None:
    fragile.apply().wait_ready()
    assert services(fragile) == dict.fromkeys(SERVERS, "ok")
    before = credentials(fragile)
    changed = fragile.changed(PASSWORDS).apply().wait_ready()
    # Pulumi and Argo CD take away what the stack has no more; a finished Job would not run on the way back.
    kept = [one["metadata"]["name"] for one in changed.of_kind("Job")]
    for one in fragile.of_kind("Job"):
        if one["metadata"]["name"] not in kept:
            fragile.cluster.api.delete(one)
            fragile.cluster.wait_gone(one)
    assert credentials(fragile).keys() == before.keys()
    assert not set(credentials(fragile).values()) & set(before.values())
    assert services(fragile) == dict.fromkeys(SERVERS, "ok")
    fragile.apply().wait_ready()
    assert credentials(fragile) == before
    assert services(fragile) == dict.fromkeys(SERVERS, "ok")


def test_other_settings_reach_the_servers_and_who_reads_them(fragile: NodeStack) -> None:
    fragile.changed(SETTINGS).apply().wait_ready()
    assert fragile.sql("show max_connections") == "42"
    assert fragile.sql("show work_mem") == "5MB"
    redis = fragile.exec("redis", "cat", "/run/redis/redis.conf")
    assert "\nmaxmemory-policy noeviction\n" in redis
    assert "\nappendfsync always\n" in redis
    assert fragile.exec("storage", "sh", "-c", 'echo "$RUSTFS_REGION"').strip() == "eu-test-1"
    assert yaml.safe_load(fragile.exec("api", "cat", "/etc/archesai/config.yaml"))["logging"]["level"] == "warn"
    assert services(fragile) == dict.fromkeys(SERVERS, "ok")
    fragile.apply().wait_ready()
    assert fragile.sql("show max_connections") != "42"


def services(stack: NodeStack) -> dict[str, str]:
    """What a new pod of the api gets from each server that it has a password for."""
    return json.loads(stack.exec("api", "archesai", "check"))


def credentials(stack: NodeStack) -> dict[str, str]:
    """What the servers' Secrets hold, by Secret and key."""
    found = [stack.cluster.api.read(one) or {} for one in stack.of_kind("Secret")]
    return {
        f"{secret['metadata']['name']}/{key}": value
        for secret in found
        if secret["metadata"]["name"].removeprefix("archesai-") in SERVERS
        for key, value in secret["data"].items()
    }
