from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.secrets.servers import keepers, keepers_pod, sync_password
from archesai_infra.stack.config import load
from archesai_infra.stack.credential_sources import sources
from archesai_infra.stack.settings import Settings
from testbed.cli.running import run, run_json
from testbed.controlplane.commands import ExecRule
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.ports import free_ports
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.stacks import ROOT, Config, raw


def _origins(config: Config) -> dict[str, tuple[str, str]]:
    given = raw({"environment": "development"} | config)
    settings, _ = load(given)
    found = sources(settings, given.secret_keys)
    return {str(source.credential): (source.origin, source.detail) for source in found}


def test_a_credential_in_a_store_is_named_and_changed_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _origins({"secrets": {"external": {"store": "vault"}}, "redis": {"enabled": True, "existingSecret": "r"}})
    assert found["databasePassword"] == ("store", "vault")
    assert found["redisPassword"] == ("existing Secret", "r")
    stack = "config: {archesai:environment: development, archesai:secrets: {external: {store: vault}}}"
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(stack, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    refused = run("secrets", "rotate", "databasePassword")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: databasePassword: comes from the store vault; change it there")


def test_a_new_password_reaches_the_roles_of_a_cluster_by_its_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack: Config = {"archesai:environment": "development", "archesai:database": {"mode": "cluster"}}
    stack["archesai:cluster"] = {"apiServer": ["10.96.0.1/32"]}
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": stack}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    rotated = run("secrets", "rotate", "databasePassword")
    assert rotated.exit_code == 0
    assert "the operator gives the roles the new one without a restart; the api rolls" in rotated.output
    assert "passwordVersion: 2" in (tmp_path / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    synced = run("secrets", "sync")
    assert (synced.exit_code, "no server of this stack keeps a password" in synced.stderr) == (1, True)


def test_every_source_of_a_credential_is_told_apart() -> None:
    found = _origins({"redis": {"enabled": True}, "redisPassword": "made-up", "api": {"existingSecret": "jwt"}})
    assert found["databasePassword"] == ("generated", "database.passwordVersion")
    assert found["redisPassword"] == ("configuration", "redisPassword")
    assert found["apiJwtSecret"] == ("existing Secret", "jwt")
    assert found["storageAccessKey"] == ("not used", "storage is off")
    assert found["databaseUrl"] == ("not used", "database is managed")
    assert found["registryPassword"] == ("not set", "")


def test_an_external_database_uses_its_url_and_no_generated_password() -> None:
    found = _origins({"database": {"mode": "external"}, "databaseUrl": "made-up"})
    assert found["databaseUrl"][0] == "configuration"
    assert found["databasePassword"] == ("not used", "database is external")


def test_the_list_has_no_value() -> None:
    listed = run_json("secrets", "list")
    assert {"credential", "origin", "detail", "description"} == set(listed[0])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["generate", "databasPassword"], 2, "unknown credential; did you mean databasePassword?"),
        (["rotate", "backupsRepositoryPassword"], 1, "makes them unreadable"),
        (["rotate", "redisPassword"], 1, "redisPassword: not used (redis is off)"),
    ],
)
def test_what_cannot_be_made_anew_is_refused_with_the_reason(arguments: list[str], code: int, says: str) -> None:
    result = run("secrets", *arguments)
    assert (result.exit_code, says in result.stderr) == (code, True)


def test_without_an_engine_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("archesai_infra.cli.engine.engine._reachable", lambda: False)
    monkeypatch.chdir(tmp_path)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    result = run("secrets", "generate", "databasePassword")
    assert (result.exit_code, "install pulumi" in result.stderr) == (3, True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_environment: Mapping[str, str]) -> Path:
    """A project of its own with a state of its own, for the real engine."""
    for name, value in engine_environment.items():
        monkeypatch.setenv(name, value)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  archesai:environment: development\n", encoding="utf-8")
    monkeypatch.setenv("PULUMI_BACKEND_URL", tmp_path.as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _config(project: Path) -> Config:
    return yaml.safe_load((project / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]


@pytest.mark.engine
def test_a_generated_password_is_rotated_by_its_version(project: Path) -> None:
    for version in (2, 3):
        result = run("secrets", "rotate", "databasePassword")
        assert result.exit_code == 0, result.stderr
        assert _config(project)["archesai:database"] == {"passwordVersion": version}
    assert "the database's pod restarts and takes it over" in result.output


@pytest.mark.engine
def test_a_configured_secret_is_rotated_to_another_encrypted_value(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text(
        "config:\n  archesai:environment: development\n  archesai:redis: {enabled: true}\n", encoding="utf-8"
    )
    assert run("secrets", "generate", "redisPassword").exit_code == 0
    first = _config(project)["archesai:redisPassword"]
    assert run("secrets", "rotate", "redisPassword").exit_code == 0
    second = _config(project)["archesai:redisPassword"]
    assert set(first) == set(second) == {"secure"}
    values = {_decrypted(project)}
    assert first != second
    assert all(len(value) == 32 for value in values)


def _decrypted(project: Path) -> str:
    command = ["pulumi", "config", "get", "redisPassword", "--stack", "dev"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.fixture
def server() -> Iterator[dict[str, str]]:
    """A real PostgreSQL on loopback; its environment as the database's pod has it."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("no PostgreSQL server on this machine")
    # Not pytest's own directory: the server runs as another user where the tests run as root.
    with TemporaryDirectory(prefix="postgres-") as directory:
        yield from _server(Path(directory), binaries[-1])


def _server(directory: Path, binaries: Path) -> Iterator[dict[str, str]]:
    [port] = free_ports(1)
    data, password = directory / "data", directory / "password"
    password.write_text("first", encoding="utf-8")
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
        shutil.chown(password, "postgres")
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {directory}"
    control = [*user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    made = [*user, str(binaries / "initdb"), "-D", str(data), "-U", "admin", "--auth-local=trust"]
    _done([*made, "--auth-host=scram-sha-256", f"--pwfile={password}"])
    _done([*control, "-l", str(directory / "log"), "-o", settings, "start"])
    try:
        yield {
            "PGSOCKETS": str(directory),
            "PGPORT": str(port),
            "POSTGRES_USER": "admin",
            "POSTGRES_DB": "postgres",
            "POSTGRES_PASSWORD_FILE": str(password),
        }
    finally:
        _done([*control, "-m", "immediate", "stop"])


def _done(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, cwd="/")


def _logs_in(server: dict[str, str], password: str) -> bool:
    command = [
        "psql",
        "-w",
        "-X",
        "-h",
        "127.0.0.1",
        "-p",
        server["PGPORT"],
        "-U",
        "admin",
        "-c",
        "SELECT 1",
        "postgres",
    ]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": password}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.cluster
def test_the_running_server_takes_the_new_password_and_refuses_the_old_one(
    tmp_path_factory: pytest.TempPathFactory, server: dict[str, str]
) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "archesai-postgres-0", "namespace": "default"},
        "spec": {"containers": [{"name": "postgres", "image": "postgres"}]},
    }
    parts_or_skip(*parts.RIG)
    with ControlPlane(tmp_path_factory.mktemp("secrets"), exec_rules=[ExecRule(env=server)]) as rig:
        rig.apply([pod]).check()
        rig.wait_ready(pod)
        with connect(None, str(rig.admin_kubeconfig)) as cluster:
            _assert_taken(rig, cluster, server)


def _assert_taken(rig: ControlPlane, cluster: Cluster, server: dict[str, str]) -> None:
    new = 'it\'s \\ "new"'
    Path(server["POSTGRES_PASSWORD_FILE"]).write_text(new, encoding="utf-8")
    keeper = keepers(_settings({}), "dev")[0]._replace(namespace="default")
    sync_password(cluster, "archesai-postgres-0", keeper)
    assert _logs_in(server, new)
    assert not _logs_in(server, "first")
    rig.set_exec_rules(ExecRule(env=server | {"POSTGRES_USER": "nobody"}))
    with pytest.raises(CommandError, match="PostgreSQL did not take the password"):
        sync_password(cluster, "archesai-postgres-0", keeper)


def _settings(config: Config) -> Settings:
    return load(raw({"environment": "development"} | config))[0]


def test_only_servers_that_keep_a_password_are_told_of_a_new_one() -> None:
    def titles(config: Config) -> list[tuple[str, str]]:
        return [(keeper.title, keeper.namespace) for keeper in keepers(_settings(config), "dev")]

    watched = {"enabled": True, "grafana": {"size": "1Gi"}}
    on_host = {"database": {"runOnHost": {"ip": "172.18.0.1", "port": 5432}}, "databasePassword": "made-up"}
    assert titles({"monitoring": watched}) == [("PostgreSQL", "archesai"), ("Grafana", "monitoring")]
    assert titles({"monitoring": {"enabled": True}} | on_host) == []
    assert titles({"monitoring": watched | {"operator": "existing"}}) == [("PostgreSQL", "archesai")]


GRAFANA = """#!/bin/sh
read -r password
echo "$*: $password" >> "$0.called"
[ "$password" != refused ]
"""


@pytest.mark.cluster
def test_grafanas_database_is_given_the_password_through_standard_input(
    tmp_path: Path, control_plane: ControlPlane, fresh_namespace: str
) -> None:
    program = tmp_path / "grafana"
    program.write_text(GRAFANA, encoding="utf-8")
    program.chmod(0o755)
    watched = {"enabled": True, "namespace": fresh_namespace, "grafana": {"size": "1Gi"}}
    keeper = keepers(_settings({"monitoring": watched}), "dev")[-1]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "grafana-1",
            "namespace": fresh_namespace,
            "labels": {"app.kubernetes.io/name": "grafana"},
        },
        "spec": {"containers": [{"name": "sidecar", "image": "sidecar"}, {"name": "grafana", "image": "grafana"}]},
    }
    control_plane.apply([pod]).check()
    control_plane.wait_ready(pod)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def holds(password: str) -> ExecRule:
        environment = {"PATH": path, "GF_SECURITY_ADMIN_PASSWORD": password}
        return ExecRule(env=environment, namespaces=[fresh_namespace], containers=["grafana"])

    with connect(None, str(control_plane.admin_kubeconfig)) as cluster:
        name = keepers_pod(cluster, keeper)
        try:
            control_plane.set_exec_rules(holds("taken over"))
            sync_password(cluster, name, keeper)
            control_plane.set_exec_rules(holds("refused"))
            with pytest.raises(CommandError, match="Grafana did not take the password"):
                sync_password(cluster, name, keeper)
        finally:
            control_plane.set_exec_rules(ExecRule())
    calls = (tmp_path / "grafana.called").read_text(encoding="utf-8").splitlines()
    assert calls == [
        f"cli admin reset-admin-password --password-from-stdin: {password}" for password in ("taken over", "refused")
    ]
