"""Servers that others run, by TLS: the rendered environment of clients against real servers with certificates."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.components.backups import scripts
from archesai_infra.stack.config import ConfigError
from testbed.backups import rendered, servers
from testbed.components.parts import container, template, variables
from testbed.controlplane.ports import free_ports
from testbed.stacks import Config, find, render

pytestmark = pytest.mark.long

ON = {"enabled": True}
BACKUPS = {"enabled": True, "bucket": "elsewhere", "existingSecret": "keys"}
DATABASE = {"mode": "external", "host": "localhost", "sslMode": "verify-full", "ca": {"secret": "database-ca"}}
REDIS = ON | {
    "mode": "external",
    "host": "localhost",
    "tls": True,
    "user": "operations",
    "ca": {"configMap": "roots", "key": "pem"},
}
WITH_TLS: Config = {
    "database": DATABASE,
    "databasePassword": "unmistakable",
    "redis": REDIS,
    "redisPassword": "unmistakable",
    "backups": BACKUPS,
    "monitoring": ON,
}
CLIENTS = (("Deployment", "archesai-api"), ("StatefulSet", "archesai-dump"))


@dataclass(frozen=True)
class Authority:
    """A certificate authority, a server's certificate by it, and another authority."""

    directory: Path

    def file(self, name: str) -> Path:
        """One of its files."""
        return self.directory / name


@pytest.fixture(scope="module")
def authority() -> Generator[Authority]:
    servers.needs("openssl")
    with servers.place() as directory:
        made = Authority(directory)
        for name in ("ca", "other"):
            subject = ["-x509", "-subj", f"/CN={name}", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
            _openssl("req", *subject, "-keyout", f"{name}.key", "-out", f"{name}.crt", directory=directory)
        request = ["-subj", "/CN=server", "-nodes", "-newkey", "rsa:2048"]
        _openssl("req", *request, "-keyout", "server.key", "-out", "server.csr", directory=directory)
        (directory / "names").write_text("subjectAltName=DNS:localhost\n", encoding="utf-8")
        signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        _openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.crt", directory=directory)
        for path in directory.iterdir():
            path.chmod(0o444)
        yield made


def _openssl(*words: str, directory: Path) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def postgres(authority: Authority) -> Generator[servers.Postgres]:
    """A server that answers only by TLS."""
    with servers.postgres() as server:
        data = server.directory / "data"
        for name in ("server.crt", "server.key"):
            shutil.copy(authority.file(name), data / name)
            (data / name).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(data / name, servers.SERVER_USER)
        (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n", encoding="utf-8")
        server.sql("CREATE TABLE kept AS SELECT generate_series(1, 3) AS id")
        server.sql("ALTER SYSTEM SET ssl = on")
        server.sql("SELECT pg_reload_conf()")
        yield server


def _environment(kind: str, name: str, container_name: str, home: Path) -> dict[str, str]:
    """What the stack's manifest gives a client in clear, with this host's paths."""
    pod = find(render(WITH_TLS), kind, name)["spec"]["template"]["spec"]
    [found] = [one for one in pod["containers"] if one["name"] == container_name]
    mounts = {mount["mountPath"] for mount in found["volumeMounts"]}
    plain = rendered.plain_environment(found)
    for variable in ("PGSSLROOTCERT", "REDIS_CA"):
        if variable in plain:
            assert str(Path(plain[variable]).parent) in mounts, "the file is mounted where it is looked for"
    return plain | {"SCRIPTS": str(home / "dump-scripts"), "BACKUP_DIR": str(home / "volume")}


@pytest.fixture
def home() -> Generator[Path]:
    with servers.place() as directory:
        rendered.write_scripts("dump-scripts", directory)
        (directory / "volume").mkdir()
        if os.geteuid() == 0:
            shutil.chown(directory / "volume", servers.UNPRIVILEGED)
        yield directory


def _database(home: Path, server: servers.Postgres, authority: Path) -> dict[str, str]:
    url = find(render(WITH_TLS, reveal=True), "Secret", "archesai-database")["stringData"]["DATABASE_URL"]
    here = url.replace("unmistakable", "p%40ss%2Fw%25r%20d%3A1").replace("localhost:5432", f"localhost:{server.port}")
    own = {"DATABASE_URL": here, "PGSSLROOTCERT": str(authority)}
    return _environment("StatefulSet", "archesai-dump", "postgres", home) | own


def test_a_dump_and_a_restore_check_the_certificate_of_an_external_database(
    home: Path, postgres: servers.Postgres, authority: Authority
) -> None:
    environment = _database(home, postgres, authority.file("ca.crt"))
    made = servers.call(rendered.hook("database"), environment)
    assert made.returncode == 0, made.stderr
    restored = servers.call(scripts.run("restore-database.sh"), environment)
    assert restored.returncode == 0, restored.stderr


def test_a_server_of_another_authority_is_refused(home: Path, postgres: servers.Postgres, authority: Authority) -> None:
    made = servers.call(rendered.hook("database"), _database(home, postgres, authority.file("other.crt")))
    assert made.returncode != 0
    assert "certificate verify failed" in made.stderr


@pytest.fixture(scope="module")
def redis(authority: Authority) -> Generator[servers.Redis]:
    """A server that answers only by TLS, with a user of its own for operations."""
    with servers.place() as directory:
        (port,) = free_ports(1)
        files = {name: str(authority.file(name)) for name in ("server.crt", "server.key", "ca.crt")}
        words = ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1",
                 "--dir", str(directory), "--save", "", "--tls-auth-clients", "no",
                 "--tls-cert-file", files["server.crt"], "--tls-key-file", files["server.key"],
                 "--tls-ca-cert-file", files["ca.crt"],
                 "--user", "default", "off",
                 "--user", "operations", "on", ">r3dis", "allkeys", "allcommands"]  # fmt: skip
        ping = ["redis-cli", "--tls", "--cacert", files["ca.crt"], "-h", "localhost", "-p", str(port), "ping"]
        with servers.running(words, {}, directory / "log"):
            servers.until(lambda: "NOAUTH" in servers.call(ping).stdout, "redis")
            yield servers.Redis(port)


def _redis(home: Path, server: servers.Redis, authority: Path) -> Mapping[str, str]:
    own = {"REDIS_PORT": str(server.port), "REDISCLI_AUTH": "r3dis", "REDIS_CA": str(authority)}
    return _environment("StatefulSet", "archesai-dump", "redis", home) | own


def test_a_dump_checks_the_certificate_of_an_external_redis_and_logs_in_as_its_user(
    home: Path, redis: servers.Redis, authority: Authority
) -> None:
    environment = _redis(home, redis, authority.file("ca.crt"))
    made = servers.call(rendered.hook("redis"), environment)
    assert made.returncode == 0, made.stderr
    refused = servers.call(rendered.hook("redis"), _redis(home, redis, authority.file("other.crt")))
    assert refused.returncode != 0
    assert "certificate verify failed" in refused.stderr


def test_a_restore_reaches_an_external_redis_by_tls(home: Path, redis: servers.Redis, authority: Authority) -> None:
    environment = _redis(home, redis, authority.file("ca.crt"))
    words = ["redis-cli", "--tls", "--cacert", str(authority.file("ca.crt")), "-h", "localhost", "-p", str(redis.port)]
    login = {"REDISCLI_AUTH": "r3dis"}

    def ask(*command: str) -> str:
        return servers.call([*words, "--user", "operations", "--no-auth-warning", *command], login).stdout.strip()

    ask("EVAL", r"redis.call('SET', 'bytes\0\255\r\n', '\1\2\0\255', 'EX', 3000)", "0")
    assert servers.call(rendered.hook("redis"), environment).returncode == 0
    ask("FLUSHALL")
    ask("SET", "later", "1")
    restored = servers.call(scripts.run("restore-redis.sh"), environment)
    assert restored.returncode == 0, restored.stderr
    assert ask("EVAL", r"return redis.call('GET', 'bytes\0\255\r\n') == '\1\2\0\255'", "0") == "1"
    assert 0 < int(ask("EVAL", r"return redis.call('TTL', 'bytes\0\255\r\n')", "0")) <= 3000
    assert ask("DBSIZE") == "1"
    elsewhere = servers.call(scripts.run("restore-redis.sh"), _redis(home, redis, authority.file("other.crt")))
    assert elsewhere.returncode != 0
    assert "certificate verify failed" in elsewhere.stderr
    assert ask("DBSIZE") == "1"


@pytest.mark.parametrize("module", ["database", "redis"])
def test_every_client_has_the_authority(module: str) -> None:
    stack = render(WITH_TLS)
    for kind, name in (*CLIENTS, ("Deployment", f"archesai-{module}-exporter")):
        volumes: list[dict[str, Any]] = template(stack, kind, name)["spec"]["volumes"]
        [volume] = [one for one in volumes if one["name"] == f"{module}-ca"]
        held = volume["secret" if module == "database" else "configMap"]
        key = {"database": "ca.crt", "redis": "pem"}[module]
        assert held["items"] == [{"key": key, "path": "ca.crt"}]
    job = next(item for item in stack.objects if item["kind"] == "Job" and "migrations" in item["metadata"]["name"])
    environment = job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "PGSSLROOTCERT", "value": "/run/certificates/database/ca.crt"} in environment


def test_the_exporter_and_the_api_speak_tls_with_an_external_redis() -> None:
    stack = render(WITH_TLS)
    exporter = variables(container(stack, "Deployment", "archesai-redis-exporter"))
    assert exporter["REDIS_ADDR"] == "rediss://localhost:6379"
    assert exporter["REDIS_USER"] == "operations"
    assert exporter["REDIS_EXPORTER_TLS_CA_CERT_FILE"] == "/run/certificates/redis/ca.crt"
    files = [item["data"] for item in stack.objects if item["kind"] == "ConfigMap"]
    [config] = [data["config.yaml"] for data in files if "config.yaml" in data]
    assert "ca: /run/certificates/redis/ca.crt" in config


def test_an_external_redis_without_a_password_is_used_as_nobody() -> None:
    open_redis = ON | {"mode": "external", "host": "redis.example.com", "auth": "none"}
    stack = render({"redis": open_redis, "monitoring": ON, "backups": BACKUPS})
    assert "REDIS_PASSWORD" not in variables(container(stack, "Deployment", "archesai-redis-exporter"))
    assert "ARCHES_REDIS_AUTH" not in variables(container(stack, "Deployment", "archesai-api"))
    assert not [item for item in stack.objects if item["metadata"]["name"] == "archesai-redis"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"database": DATABASE | {"sslMode": "disable"}}, "sslMode is disable, which checks no certificate"),
        ({"database": DATABASE | {"ca": {"secret": "a", "configMap": "b"}}}, "needs one of secret and configMap"),
        ({"database": DATABASE | {"ca": None}, "backups": BACKUPS}, "database.ca: dumps need the authority"),
        ({"redis": REDIS | {"tls": False}}, "ca: checks a certificate, which only TLS has"),
        ({"redis": REDIS | {"auth": "none"}}, "auth: none logs in as nobody"),
    ],
)
def test_what_cannot_be_is_refused(config: Config, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        render({"databasePassword": "given", "redisPassword": "given"} | config)
    assert said in str(refused.value)
