"""Servers that others run, by TLS: the rendered environment of clients against real servers with certificates."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from archesai_infra.components.backups import scripts
from archesai_infra.stack.config import ConfigError
from testbed.backups import postgres_server, redis_server, rendered, servers
from testbed.components.parts import container, template, variables
from testbed.controlplane.ports import free_ports
from testbed.stacks import ROOT, Config, find, render

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
        (directory / "names").write_text("subjectAltName=DNS:localhost,DNS:archesai-postgres\n", encoding="utf-8")
        signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        _openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.crt", directory=directory)
        for path in directory.iterdir():
            path.chmod(0o444)
        yield made


def _openssl(*words: str, directory: Path) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def postgres(authority: Authority) -> Generator[postgres_server.Postgres]:
    """A server that answers only by TLS."""
    with postgres_server.postgres() as server:
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


def _database(home: Path, server: postgres_server.Postgres, authority: Path) -> dict[str, str]:
    url = find(render(WITH_TLS, reveal=True), "Secret", "archesai-database")["stringData"]["DATABASE_URL"]
    here = url.replace("unmistakable", "p%40ss%2Fw%25r%20d%3A1").replace("localhost:5432", f"localhost:{server.port}")
    own = {"DATABASE_URL": here, "PGSSLROOTCERT": str(authority)}
    return _environment("StatefulSet", "archesai-dump", "postgres", home) | own


def test_a_dump_and_a_restore_check_the_certificate_of_an_external_database(
    home: Path, postgres: postgres_server.Postgres, authority: Authority
) -> None:
    environment = _database(home, postgres, authority.file("ca.crt"))
    made = servers.call(rendered.hook("database"), environment)
    assert made.returncode == 0, made.stderr
    restored = servers.call(scripts.run("restore-database.sh"), environment)
    assert restored.returncode == 0, restored.stderr


def test_a_server_of_another_authority_is_refused(
    home: Path, postgres: postgres_server.Postgres, authority: Authority
) -> None:
    made = servers.call(rendered.hook("database"), _database(home, postgres, authority.file("other.crt")))
    assert made.returncode != 0
    assert "certificate verify failed" in made.stderr


@pytest.fixture(scope="module")
def redis(authority: Authority) -> Generator[redis_server.Redis]:
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
            yield redis_server.Redis(port)


def _redis(home: Path, server: redis_server.Redis, authority: Path) -> Mapping[str, str]:
    own = {"REDIS_PORT": str(server.port), "REDISCLI_AUTH": "r3dis", "REDIS_CA": str(authority)}
    return _environment("StatefulSet", "archesai-dump", "redis", home) | own


def test_a_dump_checks_the_certificate_of_an_external_redis_and_logs_in_as_its_user(
    home: Path, redis: redis_server.Redis, authority: Authority
) -> None:
    environment = _redis(home, redis, authority.file("ca.crt"))
    made = servers.call(rendered.hook("redis"), environment)
    assert made.returncode == 0, made.stderr
    refused = servers.call(rendered.hook("redis"), _redis(home, redis, authority.file("other.crt")))
    assert refused.returncode != 0
    assert "certificate verify failed" in refused.stderr


def test_a_restore_reaches_an_external_redis_by_tls(
    home: Path, redis: redis_server.Redis, authority: Authority
) -> None:
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
        ({"database": {"tls": {}}}, "needs one of secret and issuer"),
        (
            {"database": {"tls": {"secret": "a"}, "runOnHost": {"ip": "10.0.0.1", "port": 5432}}},
            "tls: is the pod's, and runOnHost has none",
        ),
        ({"redis": REDIS | {"tls": False}}, "ca: checks a certificate, which only TLS has"),
        ({"redis": REDIS | {"auth": "none"}}, "auth: none logs in as nobody"),
    ],
)
def test_what_cannot_be_is_refused(config: Config, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        render({"databasePassword": "given", "redisPassword": "given"} | config)
    assert said in str(refused.value)


POD: Config = {"database": {"tls": {"secret": "database-tls"}}, "databasePassword": "unmistakable", "backups": BACKUPS}
REQUIRED: Config = POD | {"database": {"tls": {"secret": "database-tls", "required": True}}}


@dataclass(frozen=True)
class PodServer:
    """The server of a stack's pod, by its rendered parameters and with the files that the kubelet gives it."""

    port: int
    url: str
    """The api's URL, as the Secret has it."""

    def ask(self, authority: Path, **changed: str) -> subprocess.CompletedProcess[str]:
        """Whether the session is encrypted, as a client of the stack asks."""
        url = self.url
        for old, new in changed.items():
            url = url.replace(f"{old}=verify-full", f"{old}={new}")
        here = {"PGHOSTADDR": "127.0.0.1", "PGSSLROOTCERT": str(authority)}
        question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return servers.call(["psql", "-X", "-A", "-t", "-w", "-d", url, "-c", question], here)


@contextmanager
def _pod_server(config: Config, authority: Authority) -> Generator[PodServer]:
    stack = render(config, reveal=True)
    url = urlsplit(find(stack, "Secret", "archesai-database")["stringData"]["DATABASE_URL"])
    with postgres_server.postgres() as first:
        first.sql(f"CREATE ROLE {url.username} LOGIN PASSWORD '{url.password}'")
        first.stop_cleanly()
        data, files = first.directory / "data", first.directory / "tls"
        files.mkdir()
        for name, source in {"tls.crt": "server.crt", "tls.key": "server.key", "ca.crt": "ca.crt"}.items():
            shutil.copyfile(authority.file(source), files / name)
            (files / name).chmod(0o440)
            if os.geteuid() == 0:
                shutil.chown(files / name, 0, servers.UNPRIVILEGED)
        # This host stands for pods elsewhere: what the server's own loopback may is another's address here.
        source = ROOT / "archesai_infra" / "components" / "database" / "scripts" / "pg_hba.conf"
        hba = first.directory / source.name
        hba.write_text(source.read_text(encoding="utf-8").replace("127.0.0.1/32", "192.0.2.1/32"), encoding="utf-8")
        for path in (first.directory, *data.rglob("*"), data) if os.geteuid() == 0 else ():
            shutil.chown(path, servers.UNPRIVILEGED, servers.UNPRIVILEGED)
        words = container(stack, "StatefulSet", "archesai-postgres")["args"][1:]
        ours = [word for word in words if word.startswith(("ssl", "hba_file"))]
        here = [
            word.replace("/run/certificates/server", str(files)).replace("/etc/archesai/pg_hba.conf", str(hba))
            for word in ours
        ]
        options = [part for word in here for part in ("-c", word)]
        command = ["postgres", "-D", str(data), "-h", "127.0.0.1", "-p", str(first.port), "-k", "", *options]
        server = PodServer(first.port, url.geturl().replace(":5432/", f":{first.port}/"))
        with servers.running(command, {}, first.directory / "log"):
            ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(first.port), "-U", "admin"]
            servers.until(lambda: servers.call(ready).returncode == 0, "the server")
            yield server


@pytest.mark.parametrize(("config", "in_clear"), [(POD, 0), (REQUIRED, 2)])
def test_the_pod_s_server_serves_by_tls_with_the_kubelet_s_files_and_refuses_the_rest_where_asked(
    config: Config, in_clear: int, authority: Authority
) -> None:
    with _pod_server(config, authority) as server:
        found = server.ask(authority.file("ca.crt"))
        assert (found.stdout.strip(), found.stderr) == ("t", "")
        other = server.ask(authority.file("other.crt"))
        assert "certificate verify failed" in other.stderr
        clear = server.ask(authority.file("ca.crt"), sslmode="disable")
        assert clear.returncode == in_clear, clear.stderr


def test_every_client_of_the_pod_s_server_checks_its_certificate() -> None:
    stack = render(POD | {"monitoring": ON}, reveal=True)
    urls = find(stack, "Secret", "archesai-database")["stringData"]
    assert all("sslmode=verify-full" in urls[key] for key in ("DATABASE_URL", "MONITOR_URL", "DUMP_URL"))
    for kind, name in (*CLIENTS, ("Deployment", "archesai-database-exporter")):
        pod = template(stack, kind, name)["spec"]
        [volume] = [one for one in pod["volumes"] if one["name"] == "database-ca"]
        assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
        given = [variable for one in pod["containers"] for variable in one["env"]]
        assert {"name": "PGSSLROOTCERT", "value": "/run/certificates/database/ca.crt"} in given


def test_an_issuer_makes_the_certificate_for_the_server_s_names() -> None:
    stack = render(POD | {"database": {"tls": {"issuer": {"name": "internal", "kind": "ClusterIssuer"}}}})
    certificate = find(stack, "Certificate", "archesai-database-tls")["spec"]
    assert certificate["dnsNames"][0] == "archesai-postgres"
    assert certificate["issuerRef"] == {"name": "internal", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    volumes = template(stack, "StatefulSet", "archesai-postgres")["spec"]["volumes"]
    [volume] = [one for one in volumes if one["name"] == "tls"]
    assert volume["secret"]["secretName"] == certificate["secretName"]
