from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from archesai_infra.components.database import ManagedDatabase
from archesai_infra.components.database.server import parameters
from archesai_infra.quantities import memory_bytes
from archesai_infra.stack.config import ConfigError
from testbed.components.parts import container, depends_on, logical_names, template, variables, volume
from testbed.stacks import ALONE, Config, find, render

NAME = "archesai-postgres"
ON_HOST: Config = {"database": {"runOnHost": {"ip": "fd00::1", "port": 5433}}, "databasePassword": "unmistakable"}


def managed(memory: str = "1Gi", **settings: object) -> ManagedDatabase:
    amounts = {"cpu": "1", "memory": memory}
    return ManagedDatabase.model_validate({"resources": {"requests": amounts, "limits": amounts}} | settings)


def test_a_server_of_8gi_gets_the_production_guides_figures() -> None:
    assert parameters(managed("8Gi", size="100Gi")) == {
        "max_connections": "200",
        "shared_buffers": "2048MB",
        "effective_cache_size": "6144MB",
        "maintenance_work_mem": "512MB",
        "work_mem": "7864kB",
        "wal_buffers": "16MB",
        "min_wal_size": "1024MB",
        "max_wal_size": "4096MB",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "shared_preload_libraries": "pg_stat_statements",
        "password_encryption": "scram-sha-256",
    }


def test_a_server_of_1gi_gets_an_eighth_of_them() -> None:
    found = parameters(managed("1Gi", size="10Gi"))
    assert found["shared_buffers"] == "256MB"
    assert found["effective_cache_size"] == "768MB"
    assert found["maintenance_work_mem"] == "64MB"
    assert found["work_mem"] == "983kB"
    assert found["wal_buffers"] == "8MB"
    assert (found["min_wal_size"], found["max_wal_size"]) == ("640MB", "2560MB")


@pytest.mark.parametrize("memory", ["128Mi", "512Mi", "1Gi", "8Gi", "64Gi"])
def test_buffers_and_the_work_of_all_connections_fit_into_the_limit(memory: str) -> None:
    found = parameters(managed(memory))
    buffers = memory_bytes(found["shared_buffers"].replace("MB", "Mi"))
    work = memory_bytes(found["work_mem"].replace("kB", "Ki")) * int(found["max_connections"])
    assert buffers + work <= memory_bytes(memory)


@pytest.mark.parametrize("size", ["1Gi", "10Gi", "100Gi"])
def test_the_log_never_fills_more_than_a_quarter_of_the_volume(size: str) -> None:
    found = parameters(managed("8Gi", size=size))
    assert memory_bytes(found["max_wal_size"].replace("MB", "Mi")) <= memory_bytes(size) // 4
    assert memory_bytes(found["min_wal_size"].replace("MB", "Mi")) < memory_bytes(
        found["max_wal_size"].replace("MB", "Mi")
    )


def test_what_the_stack_file_says_of_the_server_wins() -> None:
    postgres = {
        "maxConnections": 50,
        "sharedBuffers": "300Mi",
        "workMem": "4Mi",
        "parameters": {"random_page_cost": "4", "jit": "off"},
    }
    found = parameters(managed(postgres=postgres))
    assert (found["max_connections"], found["shared_buffers"], found["work_mem"]) == ("50", "300MB", "4096kB")
    assert (found["random_page_cost"], found["jit"]) == ("4", "off")


def test_the_server_is_started_with_its_parameters_by_the_images_entrypoint() -> None:
    server = container(render(), "StatefulSet", NAME)
    assert "command" not in server
    assert server["args"][:3] == ["postgres", "-c", "max_connections=200"]
    assert server["args"].count("-c") == len(parameters(ManagedDatabase()))


def test_data_lies_below_the_mount_whose_mode_the_kubelet_widens() -> None:
    server = container(render(), "StatefulSet", NAME)
    assert variables(server)["PGDATA"] == "/var/lib/postgresql/data/pgdata"
    assert volume(render(), "StatefulSet", NAME, "/var/lib/postgresql/data").keys() == {"persistentVolumeClaim"}


def test_shared_memory_is_a_quarter_of_the_limit_and_counts_as_memory() -> None:
    assert volume(render(), "StatefulSet", NAME, "/dev/shm") == {"emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}}


def test_the_password_is_a_file_and_no_variable() -> None:
    server = container(render(), "StatefulSet", NAME)
    assert variables(server)["POSTGRES_PASSWORD_FILE"] == "/run/secrets/archesai/POSTGRES_PASSWORD"
    assert volume(render(), "StatefulSet", NAME, "/run/secrets/archesai") == {
        "secret": {
            "secretName": "archesai-database",
            "defaultMode": 0o440,
            "items": [
                {"key": key, "path": key} for key in ("POSTGRES_PASSWORD", "DATABASE_URL", "MONITOR_URL", "DUMP_URL")
            ],
        }
    }


def test_the_first_start_makes_the_extensions_that_arches_needs() -> None:
    init = volume(render(), "StatefulSet", NAME, "/docker-entrypoint-initdb.d")["configMap"]["name"]
    (script,) = find(render(), "ConfigMap", init)["data"].values()
    assert script.splitlines() == [
        "CREATE EXTENSION IF NOT EXISTS vector;",
        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;",
    ]


def test_the_server_is_ready_over_tcp_and_for_its_own_user() -> None:
    server = container(render({"database": {"user": "arches", "name": "main"}}), "StatefulSet", NAME)
    # The server of the first initialisation listens on its socket only.
    ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", "arches", "-d", "main"]
    assert server["readinessProbe"]["exec"]["command"] == ready
    started = server["startupProbe"]["exec"]["command"][-1]
    # Consumers log in as roles that the start makes.
    assert started == f"{' '.join(ready)} && [ -e /var/run/postgresql/roles ]"
    assert server["livenessProbe"]["tcpSocket"] == {"port": 5432}


def test_a_server_that_recovers_has_an_hour() -> None:
    startup = container(render(), "StatefulSet", NAME)["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 3600


def test_the_server_stops_by_the_signal_of_its_image_and_has_time_for_its_checkpoint() -> None:
    assert "preStop" not in container(render(), "StatefulSet", NAME)["lifecycle"]
    assert template(render(), "StatefulSet", NAME)["spec"]["terminationGracePeriodSeconds"] == 120


def test_the_password_is_brought_into_the_server_without_holding_up_its_start() -> None:
    command = container(render(), "StatefulSet", NAME)["lifecycle"]["postStart"]["exec"]["command"][2]
    forgotten, command = command.split("; ", 1)
    assert forgotten == "rm -f /var/run/postgresql/roles", "another start of the container makes its roles again"
    assert command == "sh /etc/archesai/sync-password.sh >/proc/1/fd/1 2>/proc/1/fd/2 &"
    scripts = volume(render(), "StatefulSet", NAME, "/etc/archesai")["configMap"]["name"]
    assert "sync-password.sh" in find(render(), "ConfigMap", scripts)["data"]


def test_the_url_leads_to_the_service_with_the_password_escaped() -> None:
    stack = render({"databasePassword": "a/b:c@d e"}, reveal=True)
    data = find(stack, "Secret", "archesai-database")["stringData"]
    assert data["POSTGRES_PASSWORD"] == "a/b:c@d e"
    logins = {key: urlsplit(url) for key, url in data.items() if key.endswith("_URL")}
    assert {key: login.username for key, login in logins.items()} == {
        "DATABASE_URL": "arches_app",
        "MONITOR_URL": "arches_monitor",
        "DUMP_URL": "arches_dump",
    }
    passwords = {login.password for login in logins.values()}
    assert len(passwords | {"a/b:c@d e"}) == 4, "no role's password tells another's"
    assert {login._replace(netloc="").geturl() for login in logins.values()} == {
        "postgresql:/archesai?sslmode=disable&connect_timeout=5"
    }


def test_a_server_on_the_developer_s_machine_is_used_as_its_own_user() -> None:
    host = {"runOnHost": {"ip": "172.18.0.1", "port": 5432}}
    stack = render({"database": host, "databasePassword": "a/b:c@d e"}, reveal=True)
    assert find(stack, "Secret", "archesai-database")["stringData"] == {
        "POSTGRES_PASSWORD": "a/b:c@d e",
        "DATABASE_URL": "postgresql://admin:a%2Fb%3Ac%40d%20e@archesai-postgres:5432/archesai"
        "?sslmode=disable&connect_timeout=5",
    }


def test_an_existing_secret_names_the_owner_and_restores_use_the_superuser() -> None:
    backups = {"enabled": True, "bucket": "elsewhere", "existingSecret": "keys"}
    stack = render({"database": {"existingSecret": "theirs"}, "backups": backups})
    items = volume(stack, "StatefulSet", NAME, "/run/secrets/archesai")["secret"]["items"]
    assert [item["key"] for item in items] == ["POSTGRES_PASSWORD", "DATABASE_URL"]
    dump = variables(container(stack, "StatefulSet", "archesai-dump"))
    assert (dump["DATABASE_URL"], dump["ADMINISTRATOR"], dump["ADMINISTRATOR_PASSWORD"]) == (
        "theirs/DATABASE_URL",
        "admin",
        "theirs/POSTGRES_PASSWORD",
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"user": "arches_app"}, "applicationUser: must not be the superuser, database.user (got arches_app)"),
        ({"applicationUser": "arches_dump"}, "applicationUser: arches_dump is a role of the stack's own operations"),
    ],
)
def test_roles_that_would_be_one_are_refused(config: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        render({"database": config})


def test_an_external_database_gives_consumers_the_same_reference() -> None:
    external = {"mode": "external", "host": "db.example.com", "port": 6432, "user": "arches", "sslMode": "verify-full"}
    stack = render({"database": external, "databasePassword": "unmistakable"}, reveal=True)
    assert variables(container(stack, "Deployment", "archesai-api")) == variables(
        container(render(), "Deployment", "archesai-api")
    )
    assert find(stack, "Secret", "archesai-database")["stringData"]["DATABASE_URL"] == (
        "postgresql://arches:unmistakable@db.example.com:6432/archesai?sslmode=verify-full&connect_timeout=5"
    )
    assert logical_names(stack, "database") == {"database", "database-secret"}


def test_a_url_of_an_external_database_is_taken_as_it_is() -> None:
    url = "postgresql://arches:unmistakable@db.example.com/archesai?target_session_attrs=read-write"
    stack = render({"database": {"mode": "external"}, "databaseUrl": url}, reveal=True)
    assert find(stack, "Secret", "archesai-database")["stringData"] == {"DATABASE_URL": url}


def test_a_secret_of_others_leads_to_an_external_database() -> None:
    stack = render({"database": {"mode": "external", "existingSecret": "theirs"}})
    assert variables(container(stack, "Deployment", "archesai-api"))["DATABASE_URL"] == "theirs/DATABASE_URL"
    assert logical_names(stack, "database") == {"database"}


def test_an_external_database_is_reached_in_its_networks_only() -> None:
    external = {"mode": "external", "existingSecret": "theirs", "cidrs": ["10.9.0.0/16"], "port": 6432}
    rules = find(render({"database": external}), "NetworkPolicy", "archesai-api")["spec"]["egress"]
    assert rules[0] == {
        "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}],
        "ports": [{"protocol": "TCP", "port": 6432}],
    }


def test_a_server_on_the_host_takes_the_place_of_the_pod() -> None:
    stack = render(ON_HOST)
    assert logical_names(stack, "database") == {
        "database",
        "database-service",
        "database-host-endpoints",
        "database-secret",
    }
    endpoints = find(stack, "EndpointSlice", "archesai-postgres-host")
    assert (endpoints["addressType"], endpoints["ports"][0]["port"]) == ("IPv6", 5433)
    rules = find(stack, "NetworkPolicy", "archesai-api")["spec"]["egress"]
    assert rules[0] == {"to": [{"ipBlock": {"cidr": "fd00::1/128"}}], "ports": [{"protocol": "TCP", "port": 5433}]}


def test_consumers_wait_for_the_server() -> None:
    assert "database-stateful-set" in depends_on(render(), "migrations-job")
    assert "database-host-endpoints" not in depends_on(render(ON_HOST), "migrations-job")


def test_a_database_runs_without_any_consumer() -> None:
    stack = render(ALONE | {"database": {"enabled": True}})
    assert {item["metadata"]["name"] for item in stack.objects if item["kind"] == "StatefulSet"} == {NAME}
    assert logical_names(stack, "migrations") == set()
