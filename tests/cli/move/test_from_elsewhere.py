"""A move from a server elsewhere: what the stack file, the stack and the Job get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.move.objects import BACK, CHECK, NAME, helpers
from archesai_infra.cli.move.plan import Plan, planned, planned_back
from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from testbed.cli.projects import project, set_keys
from testbed.matrix import DATABASE_PASSWORD
from testbed.stacks import DEVELOPMENT, Config, find, names, render

__all__ = ["project"]

Object = dict[str, Any]
SERVER: Object = {
    "host": "db.example.com",
    "port": 6432,
    "name": "books",
    "user": "tenant",
    "sslMode": "verify-full",
    "ca": {"secret": "roots"},
    "cidrs": ["10.9.0.0/16"],
}
READY: Object = {"cluster": {"apiServer": ["10.96.0.1/32"]}, **DATABASE_PASSWORD}
EXTERNAL: Config = DEVELOPMENT | READY | {"database": {"mode": "external", **SERVER}}
BESIDE: Config = EXTERNAL | {"database": {"mode": "external", **SERVER, "cluster": {}}}
OVER: Config = EXTERNAL | {"database": {"mode": "cluster", "name": "books", "cluster": {}, "movedFrom": SERVER}}
WAY = {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 6432}]}


@pytest.fixture
def plan(project: Path) -> Plan:
    secure = {"databasePassword": {"secure": "v1:c2VjcmV0:c2VjcmV0"}}
    set_keys(project, READY | secure | {"database": {"mode": "external", **SERVER}})
    return planned("dev", "cluster")


def _egress(evaluation: Evaluation) -> list[Object]:
    return find(evaluation, "NetworkPolicy", "archesai-database-cluster")["spec"]["egress"]


def _files(job: Object) -> dict[str, list[str]]:
    """Files of the pod's secrets by the Secret that they are of."""
    (volume,) = [one for one in job["spec"]["template"]["spec"]["volumes"] if one["name"] == "password"]
    sources = volume["projected"]["sources"]
    return {one["secret"]["name"]: [item["path"] for item in one["secret"]["items"]] for one in sources}


def test_the_cluster_comes_beside_the_server_and_the_clients_notice_nothing() -> None:
    before, beside = render(EXTERNAL), render(BESIDE)
    named = {(item["kind"], item["metadata"]["name"]): item for item in beside.objects}
    changed = [item for item in before.objects if named[item["kind"], item["metadata"]["name"]] != item]
    assert not changed
    assert find(beside, "Service", "archesai-postgres")["spec"]["selector"]["app.kubernetes.io/component"] == "database"
    source, used = (
        find(render(BESIDE, reveal=True), "Secret", name)["stringData"]["DATABASE_URL"]
        for name in ("archesai-database-source", "archesai-database")
    )
    assert source == used


def test_instances_reach_the_server_with_its_certificate_checked_until_the_move_is_over() -> None:
    beside, over = render(BESIDE), render(OVER)
    assert WAY in _egress(beside)
    assert WAY not in _egress(over)
    item = {"key": "ca.crt", "path": "ca.crt"}
    for evaluation in (beside, over):
        # The same after it: another pod template would restart every instance.
        spec = find(evaluation, "Cluster", "archesai-db-1")["spec"]
        assert spec["projectedVolumeTemplate"] == {"sources": [{"secret": {"name": "roots", "items": [item]}}]}
    assert find(beside, "Cluster", "archesai-db-1")["spec"] == find(over, "Cluster", "archesai-db-1")["spec"]


def test_a_finished_move_keeps_the_url_for_the_way_back_and_drops_it_with_the_key() -> None:
    over, done = render(OVER, reveal=True), render(OVER | {"database": {"mode": "cluster", "name": "books"}})
    assert (
        "@db.example.com:6432/books" in find(over, "Secret", "archesai-database-source")["stringData"]["DATABASE_URL"]
    )
    assert "@archesai-postgres:5432/books" in find(over, "Secret", "archesai-database")["stringData"]["DATABASE_URL"]
    assert "Secret database-source" in names(over)
    assert "Secret database-source" not in names(done)


def test_a_whole_url_is_taken_as_long_as_the_way_back_is_kept() -> None:
    url = {"databaseUrl": "postgresql://tenant:unmistakable@db.example.com:6432/books?sslmode=require"}
    bare = {key: value for key, value in OVER.items() if key != "databasePassword"} | url
    moved = bare | {"database": {"mode": "cluster", "movedFrom": {"port": 6432}}}
    assert (
        find(render(moved, reveal=True), "Secret", "archesai-database-source")["stringData"]["DATABASE_URL"]
        == url["databaseUrl"]
    )
    with pytest.raises(ConfigError, match="only an external database takes a URL"):
        render(bare | {"database": {"mode": "cluster"}})


def test_the_stack_file_gets_the_cluster_and_then_keeps_the_servers_keys_for_the_way_back(
    plan: Plan, project: Path
) -> None:
    beside, over = (yaml.safe_load(text)["config"]["archesai:database"] for text in (plan.beside_text, plan.over_text))
    assert beside == {"mode": "external", "cluster": {}, **SERVER}
    assert over == {"mode": "cluster", "name": "books", "cluster": {}, "movedFrom": SERVER}
    (project / "Pulumi.dev.yaml").write_text(plan.beside_text, encoding="utf-8")
    assert planned("dev", "cluster").over_text == plan.over_text, "an interrupted move goes on"
    (project / "Pulumi.dev.yaml").write_text(plan.over_text, encoding="utf-8")
    assert planned_back("dev").beside_text == plan.beside_text


def test_the_job_has_the_clusters_tools_and_the_logins_of_both_and_its_way_to_the_server(plan: Plan) -> None:
    made = helpers(plan)
    job = made[-1]
    pod = job["spec"]["template"]["spec"]
    assert (pod.get("serviceAccountName"), pod["automountServiceAccountToken"]) == (None, False)
    (container,) = pod["containers"]
    assert container["image"] == find(plan.over, "Cluster", "archesai-db-1")["spec"]["imageName"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment["POSTGRES_DB"] == "books"
    assert environment["CLUSTER_MAJOR"] == "16"
    assert environment["INSTANCES_CA"] == "/projected/ca.crt"
    assert "OLD_SERVER" not in environment
    assert _files(job) == {
        "archesai-database-source": ["DATABASE_URL"],
        "archesai-database-user": ["username", "password"],
        "archesai-database-superuser": ["POSTGRES_PASSWORD"],
        "roots": ["ca.crt"],
    }
    (policy,) = [item for item in made if (item["kind"], item["metadata"]["name"]) == ("NetworkPolicy", NAME)]
    assert WAY in policy["spec"]["egress"]


def test_the_question_needs_nothing_of_the_cluster_and_the_way_back_what_the_stack_keeps(plan: Plan) -> None:
    question = helpers(plan, CHECK)
    assert _files(question[-1]) == {"archesai-database": ["DATABASE_URL"], "roots": ["ca.crt"]}
    made = {item["metadata"]["name"] for item in question if item["kind"] == "NetworkPolicy"}
    assert made == {NAME, f"{NAME}-cluster"}
    assert "archesai-database-source" in _files(helpers(plan, BACK)[-1])


def test_an_existing_secret_is_used_as_it_is(project: Path) -> None:
    set_keys(project, {"cluster": READY["cluster"], "database": {"mode": "external", "existingSecret": "theirs"}})
    plan = planned("dev", "cluster")
    assert _files(helpers(plan, CHECK)[-1]) == {"theirs": ["DATABASE_URL"]}
    assert "theirs" in _files(helpers(plan, BACK)[-1])
