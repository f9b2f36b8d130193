"""Commands of `arches` that ask a cluster, on one that answers with real pods."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from testbed.cli.projects import project
from testbed.cli.running import run, run_json
from testbed.node.cluster import Cluster
from testbed.node.stack import NodeStack

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("deployed")]

__all__ = ["project"]


@pytest.fixture
def deployed(
    running: Callable[[str], NodeStack], cluster: Cluster, project: Path, monkeypatch: pytest.MonkeyPatch
) -> NodeStack:
    """The development stack, whose stack file is in the working directory and whose cluster is the current one."""
    stack = running("dev")
    file = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["config"]["archesai:namespace"] = stack.namespace
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return stack


def test_the_status_of_a_healthy_stack_has_no_problem() -> None:
    lines = run_json("status")["lines"]
    assert {line["status"] for line in lines} == {"ok"}, lines
    assert "Deployment archesai-api" in {line["name"] for line in lines}


def test_logs_of_a_module_come_from_its_containers(deployed: NodeStack) -> None:
    done = run("logs", "database", "--tail", "500")
    assert done.exit_code == 0, done.stderr
    assert "database system is ready to accept connections" in done.output
    assert deployed.pod("database")["metadata"]["name"] in done.output


def test_the_doctor_reads_the_cluster(cluster: Cluster) -> None:
    done = run("doctor")
    assert "reachable" in done.output or cluster.api.server in done.output, done.output + done.stderr


def test_a_password_that_the_database_lost_is_given_back_from_its_secret(deployed: NodeStack) -> None:
    def serves() -> bool:
        pod = deployed.pod("api")["metadata"]["name"]
        return deployed.cluster.exec(deployed.namespace, pod, "archesai", "check").returncode == 0

    assert serves()
    role = urlsplit(deployed.exec("api", "sh", "-c", 'echo "$ARCHES_DATABASE_URL"').strip()).username
    deployed.sql(f"alter role \"{role}\" password 'unknown to everybody'")
    assert not serves()
    done = run("secrets", "sync")
    assert done.exit_code == 0, done.stderr
    assert "has the password of its Secret" in done.output
    assert serves()


def test_a_stack_without_backups_has_none_to_list() -> None:
    done = run("backup", "list")
    assert done.exit_code != 0
    assert "error:" in done.stderr
    assert "backups" in done.stderr
