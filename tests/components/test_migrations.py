from __future__ import annotations

import subprocess

import pytest

from testbed.backups import postgres_server, servers
from testbed.components.parts import container, depends_on, logical_names, resource, template, variables
from testbed.stacks import Config, find, render


def job_name(config: Config | None = None) -> str:
    return resource(render(config), "migrations-job").inputs["metadata"]["name"]


V1: Config = {"api": {"image": {"tag": "v1.0.0"}}}


def test_the_job_runs_the_api_s_image_with_the_documented_command() -> None:
    stack = render(V1)
    job = container(stack, "Job", job_name(V1))
    assert job["image"] == container(stack, "Deployment", "archesai-api")["image"] == "archesai/api:v1.0.0"
    assert job["command"] == ["archesai", "migrate"]


def test_the_job_gets_the_database_s_url_by_reference_and_no_other_secret() -> None:
    assert variables(container(render(), "Job", job_name())) == {
        "DATABASE_URL": "archesai-database/DATABASE_URL",
        "ARCHES_DATABASE_URL": "archesai-database/DATABASE_URL",
        "PGOPTIONS": "-c lock_timeout=10000",
    }


def test_a_statement_that_meets_a_lock_ends_before_others_wait_behind_it() -> None:
    config: Config = {"migrations": {"lockTimeout": "1s"}}
    options = variables(container(render(config), "Job", job_name(config)))["PGOPTIONS"]
    with postgres_server.postgres() as server:
        server.sql("CREATE TABLE busy (id int)")
        holder = "BEGIN; SELECT * FROM busy; SELECT pg_sleep(30)"
        held = subprocess.Popen(["psql", "-X", "-d", server.url, "-c", holder], stdout=subprocess.DEVNULL)
        try:
            waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass"
            servers.until(lambda: server.sql(waiting) == "1", "the transaction that reads the table")
            change = ["psql", "-X", "-d", server.url, "-c", "ALTER TABLE busy ADD COLUMN name text"]
            done = servers.call(change, {"PGOPTIONS": options}, seconds=20)
        finally:
            held.kill()
            held.wait()
    assert "canceling statement due to lock timeout" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"api": {"image": {"tag": "v1.0.1"}}}, id="version"),
        pytest.param({"migrations": {"command": ["archesai", "db", "up"]}}, id="command"),
        pytest.param({"migrations": {"run": 2}}, id="another run"),
        pytest.param({"images": {"pullPolicy": "IfNotPresent"}}, id="pull policy"),
        pytest.param({"database": {"existingSecret": "theirs"}}, id="secret"),
    ],
)
def test_another_run_is_another_job(change: Config) -> None:
    assert job_name(V1 | change) != job_name(V1)


@pytest.mark.parametrize("change", [{"timeout": 60}, {"retries": 9}])
def test_what_the_server_lets_change_in_a_job_is_no_other_run(change: Config) -> None:
    assert job_name(V1 | {"migrations": change}) == job_name(V1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"api": {"image": {"tag": "v1.0.0"}, "logLevel": "debug", "replicas": 2}}, id="the api's settings"
        ),
        pytest.param({"redis": {"enabled": True}}, id="another module"),
        pytest.param({"databasePassword": "unmistakable"}, id="a password"),
    ],
)
def test_nothing_else_runs_the_migrations_again(change: Config) -> None:
    assert job_name(V1 | change) == job_name(V1)


def test_the_job_waits_for_the_database_and_the_api_for_the_job() -> None:
    stack = render()
    assert {"database-stateful-set", "database-service"} <= depends_on(stack, "migrations-job")
    assert "api-deployment" not in depends_on(stack, "migrations-job")
    assert "migrations-job" in depends_on(stack, "api-deployment")


def test_attempts_begin_once_a_server_of_the_same_stack_answers() -> None:
    (waiting,) = template(render(), "Job", job_name())["spec"]["initContainers"]
    database = template(render(), "StatefulSet", "archesai-postgres")["spec"]["containers"][0]
    assert waiting["image"] == database["image"]
    question = "pg_isready -q -t 3 -h archesai-postgres -p 5432 -U admin -d archesai"
    assert waiting["command"][-1] == f"until {question}; do sleep 1; done"


@pytest.mark.parametrize(
    "database",
    [
        {"runOnHost": {"ip": "10.0.0.5", "port": 5432}, "existingSecret": "theirs"},
        {"mode": "external", "host": "db.example.com", "cidrs": ["10.0.0.0/8"], "existingSecret": "theirs"},
    ],
)
def test_nothing_waits_for_a_server_that_is_not_the_stacks(database: dict[str, object]) -> None:
    stack = render({"database": database})
    name = next(item["metadata"]["name"] for item in stack.objects if item["kind"] == "Job")
    assert "initContainers" not in template(stack, "Job", name)["spec"]


def test_a_failed_run_is_replaced_by_the_next_up() -> None:
    annotations = resource(render(), "migrations-job").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/replaceUnready"] == "true"


@pytest.mark.parametrize("timeout", [3600, 4 * 3600])
def test_the_engine_waits_longer_than_the_job_may_take(timeout: int) -> None:
    config: Config = {"migrations": {"timeout": timeout}}
    job = resource(render(config), "migrations-job").inputs
    assert job["spec"]["activeDeadlineSeconds"] == timeout
    assert int(job["metadata"]["annotations"]["pulumi.com/timeoutSeconds"]) > timeout


def test_a_run_has_an_hour_and_four_attempts() -> None:
    spec = find(render(), "Job", job_name())["spec"]
    assert spec["activeDeadlineSeconds"] == 3600
    assert spec["backoffLimit"] == 3
    # Gone after a while, it would be run again by the next refresh.
    assert "ttlSecondsAfterFinished" not in spec
    assert template(render(), "Job", job_name())["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("mode", ["startup", "off"])
def test_without_a_job_there_is_none(mode: str) -> None:
    stack = render({"migrations": {"mode": mode}})
    assert logical_names(stack, "migrations") == set()
    policy = find(stack, "NetworkPolicy", "archesai-postgres")["spec"]
    components = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in policy["ingress"]
        for peer in rule["from"]
    ]
    assert components == ["api"]
