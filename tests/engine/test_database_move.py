"""The move from the single pod to a cluster and back, by the real engine; the copy itself is of tests/components."""

from __future__ import annotations

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

STACK = "replicated"
SMALL: Config = DEV | {
    "platform": {"enabled": False},
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "database": {"mode": "cluster", "singlePod": "serving", "cluster": {"operator": "existing"}},
}
MOVE = ("move", "database", "--to", "cluster", "--timeout", "600", "--yes", "--local-state")


@pytest.fixture(scope="module")
def stack(deploy: Deploy, control_plane: ControlPlane) -> Generator[Deployment]:
    control_plane.install_definitions(crds.custom_resource_definitions("postgresql.cnpg.io"))
    deployment = deploy(STACK, SMALL)
    with reported(control_plane, STACK):
        deployment.up()
        yield deployment


def _pods(plane: ControlPlane) -> list[Object]:
    pods = plane.api.list("v1", "Pod", STACK)
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get("job-name") == NAME]


def _database(stack: Deployment) -> Object:
    return yaml.safe_load((stack.work / f"Pulumi.{stack.name}.yaml").read_text(encoding="utf-8"))["config"][
        "archesai:database"
    ]


def _serves(plane: ControlPlane) -> str:
    """What the Service leads to."""
    selected = plane.api.get("v1", "Service", "archesai-postgres", STACK)["spec"]["selector"]
    assert ("cnpg.io/cluster" in selected) != ("app.kubernetes.io/component" in selected)
    return "cluster" if "cnpg.io/cluster" in selected else "pod"


def _policies(plane: ControlPlane) -> list[str]:
    names = [item["metadata"]["name"] for item in plane.api.list("networking.k8s.io/v1", "NetworkPolicy", STACK)]
    return [name for name in names if name.startswith(NAME)]


def test_a_copy_that_fails_leaves_the_single_pod_in_use(stack: Deployment, control_plane: ControlPlane) -> None:
    outcome = stack.arches(*MOVE)
    assert outcome.status == 1, outcome.text
    assert "the single pod goes on" in outcome.text
    assert _database(stack)["singlePod"] == "serving"
    assert _serves(control_plane) == "pod"
    assert not _policies(control_plane)


def test_the_service_leads_to_the_cluster_before_the_run_that_follows_and_back_by_one_command(
    stack: Deployment, control_plane: ControlPlane
) -> None:
    control_plane.wait_for("the end of an earlier copy", lambda: ["a pod is left"] if _pods(control_plane) else [])
    with no_kubelet(control_plane):
        running = stack.start_arches(*MOVE)
        running.until(lambda _: bool(_pods(control_plane)))
        assert _policies(control_plane)
        ready = [{"type": "Ready", "status": "True"}]
        status = {"phase": "Running", "conditions": ready, "podIP": "10.0.0.9", "startTime": "2026-01-01T00:00:00Z"}
        control_plane.api.patch(_pods(control_plane)[0], {"status": status}, status=True)
        running.until(lambda _: _database(stack)["singlePod"] == "kept")
        assert _serves(control_plane) == "cluster"
    outcome = running.wait()
    assert outcome.status == 0, outcome.text
    assert _database(stack)["singlePod"] == "kept"
    assert _serves(control_plane) == "cluster"
    assert not _policies(control_plane)
    assert stack.up() == Changes()

    undone = stack.arches("move", "database", "--undo", "--yes", "--local-state")
    assert undone.status == 0, undone.text
    assert (_database(stack)["singlePod"], _serves(control_plane)) == ("serving", "pod")
