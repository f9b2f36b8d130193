"""The move from a server elsewhere to a cluster and back, by the real engine; tests/components has the copy."""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Generator

import pytest
import yaml

from archesai_infra.cli.move.objects import NAME
from testbed.controlplane import crds
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes
from testbed.engine.cloudnative import reported
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.jobs import no_kubelet
from testbed.stacks import Config

pytestmark = pytest.mark.skipif("ARCHESAI_MOVES" not in os.environ, reason="ARCHESAI_MOVES is not set")
_LOG = logging.getLogger(__name__)
STACK = "fetched"
CLUSTER = {"operator": "existing"}
SERVER = {"host": "db.example.com", "cidrs": ["10.9.0.0/16"]}
ELSEWHERE: Config = DEV | {
    "platform": {"enabled": False},
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "database": {"mode": "external", **SERVER, "cluster": CLUSTER},
}
MOVE = ("move", "database", "--to", "cluster", "--timeout", "600", "--yes", "--local-state")


@pytest.fixture(scope="module")
def stack(deploy: Deploy, control_plane: ControlPlane) -> Generator[Deployment]:
    control_plane.install_definitions(crds.custom_resource_definitions("postgresql.cnpg.io"))
    deployment = deploy(STACK, ELSEWHERE, secrets={"databasePassword": "unmistakable"})
    with reported(control_plane, STACK):
        deployment.up()
        yield deployment


def _pods(plane: ControlPlane, word: str | None = None) -> list[Object]:
    """Pods of the Job of the move, which ends with a word where it does something else."""
    pods = [
        pod
        for pod in plane.api.list("v1", "Pod", STACK)
        if pod["metadata"].get("labels", {}).get("job-name") == NAME and "deletionTimestamp" not in pod["metadata"]
    ]
    return [pod for pod in pods if (pod["spec"]["containers"][0]["command"][-1] == "check") == (word == "check")]


def _database(stack: Deployment) -> Object:
    return yaml.safe_load((stack.work / f"Pulumi.{stack.name}.yaml").read_text(encoding="utf-8"))["config"][
        "archesai:database"
    ]


def _host(plane: ControlPlane, secret: str = "archesai-database") -> str:
    """Where the URL of a Secret leads to."""
    url = base64.b64decode(plane.api.get("v1", "Secret", secret, STACK)["data"]["DATABASE_URL"]).decode()
    return url.rpartition("@")[2].partition("/")[0]


def _policies(plane: ControlPlane) -> list[str]:
    names = [item["metadata"]["name"] for item in plane.api.list("networking.k8s.io/v1", "NetworkPolicy", STACK)]
    return [name for name in names if name.startswith(NAME)]


def test_a_server_that_cannot_be_moved_is_left_alone_before_anything_changes(
    stack: Deployment, control_plane: ControlPlane
) -> None:
    before = _database(stack)
    with no_kubelet(control_plane):
        running = stack.start_arches(*MOVE)
        running.until(lambda _: bool(_pods(control_plane, "check")))
        control_plane.api.patch(_pods(control_plane, "check")[0], {"status": {"phase": "Failed"}}, status=True)
        outcome = running.wait()
    assert outcome.status == 1, outcome.text
    assert "nothing was changed" in outcome.text
    assert _database(stack) == before
    assert not _policies(control_plane)


def test_a_copy_that_fails_leaves_the_server_elsewhere_in_use(stack: Deployment, control_plane: ControlPlane) -> None:
    outcome = stack.arches(*MOVE)
    assert outcome.status == 1, outcome.text
    assert "the server elsewhere goes on" in outcome.text
    assert _database(stack)["mode"] == "external"
    assert _host(control_plane) == "db.example.com:5432"
    assert not _policies(control_plane)


def test_clients_get_the_cluster_by_the_run_that_follows_the_copy_and_the_server_back_by_one_command(
    stack: Deployment, control_plane: ControlPlane
) -> None:
    control_plane.wait_for("the end of earlier pods", lambda: ["a pod is left"] if _pods(control_plane) else [])
    with no_kubelet(control_plane):
        running = stack.start_arches(*MOVE)
        running.until(lambda _: bool(_pods(control_plane, "check")))
        control_plane.api.patch(_pods(control_plane, "check")[0], {"status": {"phase": "Succeeded"}}, status=True)
        running.until(lambda _: bool(_pods(control_plane)))
        assert _policies(control_plane)
        ready = [{"type": "Ready", "status": "True"}]
        status = {"phase": "Running", "conditions": ready, "podIP": "10.0.0.9", "startTime": "2026-01-01T00:00:00Z"}
        control_plane.api.patch(_pods(control_plane)[0], {"status": status}, status=True)
        complete = time.monotonic()
        running.until(lambda _: _database(stack)["mode"] == "cluster")
    running.until(lambda _: _host(control_plane) == "archesai-postgres:5432")
    changed = time.monotonic()
    outcome = running.wait()
    _LOG.info("%.1f s to the clients' new address, %.1f s to the end", changed - complete, time.monotonic() - complete)
    assert outcome.status == 0, outcome.text
    assert _database(stack)["movedFrom"] == SERVER
    assert _host(control_plane, "archesai-database-source") == "db.example.com:5432"
    assert not _policies(control_plane)
    assert stack.up() == Changes()

    undone = stack.arches("move", "database", "--undo", "--yes", "--local-state")
    assert undone.status == 0, undone.text
    assert _database(stack) == {"mode": "external", **SERVER, "cluster": CLUSTER}
    assert _host(control_plane) == "db.example.com:5432"
