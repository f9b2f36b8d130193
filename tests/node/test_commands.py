"""Commands of `arches` that ask or change a cluster, on one that answers with real pods.

The backups' commands are in `test_backups.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from testbed.cli.running import Ran, run, run_json
from testbed.controlplane.api import Object
from testbed.node.deployed import DeployedStack
from testbed.node.stack import LiveStack

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("deployed")]


@pytest.fixture
def deployed(
    running: Callable[[str], LiveStack],
    deploying: Callable[[str], DeployedStack],
    monkeypatch: pytest.MonkeyPatch,
) -> DeployedStack:
    """The development stack; its project is the working directory, its engine on PATH and its cluster the current."""
    running("dev")
    stack = deploying("dev")
    monkeypatch.chdir(stack.deployment.work)
    for name, value in stack.deployment.environment.items():
        monkeypatch.setenv(name, value)
    return stack


def test_a_preview_by_the_policies_of_what_runs_has_nothing_to_change(deployed: DeployedStack) -> None:
    seen = deployed.deployment.arches("preview", "--refresh", "--policy").check().text
    assert "Loading policy packs" in seen
    assert re.search(r"\d+ unchanged", seen), seen
    assert not re.search(r"\d+ (to )?(create|update|replace|delete)", seen), seen


def test_the_status_of_a_healthy_stack_has_no_problem() -> None:
    lines = run_json("status")["lines"]
    assert {line["status"] for line in lines} == {"ok"}, lines
    assert "Deployment archesai-api" in {line["name"] for line in lines}


def test_logs_of_a_module_come_from_its_containers(deployed: DeployedStack) -> None:
    done = done_well("logs", "database", "--tail", "500")
    assert "database system is ready to accept connections" in done.output
    assert deployed.pod("database")["metadata"]["name"] in done.output


def test_logs_of_the_container_before_are_those_of_the_one_that_ended(deployed: DeployedStack) -> None:
    pod = deployed.pod("platform")
    name = pod["metadata"]["name"]
    assert "not found" in run("logs", "platform", "--previous").output
    deployed.exec("platform", "kill", "1")

    def restarted() -> list[str]:
        (status,) = (deployed.cluster.api.read(pod) or {})["status"]["containerStatuses"]
        return [] if status["restartCount"] and status["ready"] else ["not yet"]

    deployed.cluster.wait_for("the container runs again", restarted)
    before = done_well("logs", "platform", "--previous").output
    assert name in before
    assert "stopping" in before
    assert "stopping" not in done_well("logs", "platform").output
    replace(deployed, pod)


def test_the_doctor_finds_nothing_wrong_with_the_cluster_and_no_drift() -> None:
    findings = run_json("doctor", "--drift")
    wrong = [one for one in findings if one["status"] in ("problem", "warning")]
    assert wrong == []
    assert {"reachability", "name from a pod", "drift"} <= {one["check"] for one in findings if one["status"] == "ok"}


def test_a_password_that_the_database_lost_is_given_back_from_its_secret(deployed: DeployedStack) -> None:
    assert serves(deployed)
    role = urlsplit(deployed.exec("api", "sh", "-c", 'echo "$ARCHES_DATABASE_URL"').strip()).username
    deployed.sql(f"alter role \"{role}\" password 'unknown to everybody'")
    assert not serves(deployed)
    done = done_well("secrets", "sync")
    assert "has the password of its Secret" in done.output
    assert serves(deployed)


def test_a_rotated_password_is_in_service_after_an_up(deployed: DeployedStack) -> None:
    before = database_secret(deployed)
    assert "database.passwordVersion" in done_well("secrets", "rotate", "databasePassword").output
    done_well("up", "--yes")
    deployed.wait_ready()
    assert database_secret(deployed) != before
    assert serves(deployed)


def test_a_destroyed_stack_comes_back_with_its_rows(deployed: DeployedStack) -> None:
    deployed.sql("create table if not exists outliving as select 42 as answer")
    done_well("destroy", "--yes")
    deployed.cluster.wait_for("the pods are gone", lambda: [pod["metadata"]["name"] for pod in deployed.pods()])
    done_well("up", "--yes")
    deployed.wait_ready()
    assert deployed.sql("select answer from outliving") == "42"
    assert serves(deployed)


def test_a_stack_without_backups_has_none_to_list() -> None:
    done = run("backup", "list")
    assert done.exit_code != 0
    assert "error:" in done.stderr
    assert "backups" in done.stderr


def done_well(*arguments: str) -> Ran:
    """Run a command, which must succeed."""
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr + done.output
    return done


def serves(stack: DeployedStack) -> bool:
    """Whether a new process in the api's pod reaches every server that it has a password for."""
    pod = stack.pod("api")["metadata"]["name"]
    return stack.cluster.exec(stack.namespace, pod, "archesai", "check").returncode == 0


def database_secret(stack: DeployedStack) -> Object:
    """What the database's Secret holds."""
    return stack.cluster.api.get("v1", "Secret", "archesai-database", stack.namespace)["data"]


def replace(stack: DeployedStack, pod: Object) -> None:
    """Have a pod made again, so that nothing in the stack was restarted."""
    stack.cluster.api.delete(pod)
    stack.cluster.wait_gone(pod)
    stack.wait_ready()
