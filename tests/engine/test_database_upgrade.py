"""The switch to another major version and back, by the real engine; the copy itself is of tests/components."""

from __future__ import annotations

import pytest
import yaml

from archesai_infra.cli.upgrade.objects import NAME
from testbed.controlplane.api import Object
from testbed.controlplane.kubeconfigs import CONTEXT
from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.jobs import no_kubelet
from testbed.engine.stack import OPERATION_SECONDS
from testbed.stacks import Config

OLD, NEW = "archesai-postgres-data", "archesai-postgres-17"
SMALL: Config = {
    "environment": "production",
    "cluster": {"context": CONTEXT},
    "api": {"image": {"tag": "v1.0.0"}},
    "platform": {"enabled": False},
    "migrations": {"mode": "off"},
}


@pytest.fixture(scope="module")
def stack(deploy: Deploy) -> Deployment:
    deployment = deploy("upgraded", SMALL)
    deployment.up()
    return deployment


def _pods_of_the_copy(plane: ControlPlane) -> list[Object]:
    pods = plane.api.list("v1", "Pod", "upgraded")
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get("job-name") == NAME]


def _report(plane: ControlPlane, status: Object) -> None:
    """What the kubelet would say of the copy's pod."""
    # Before it the command may install the policy pack.
    plane.wait_for("the copy's pod", lambda: [] if _pods_of_the_copy(plane) else ["no pod"], seconds=OPERATION_SECONDS)
    plane.api.patch(_pods_of_the_copy(plane)[0], {"status": status}, status=True)


def _file(stack: Deployment) -> Object:
    return yaml.safe_load((stack.work / f"Pulumi.{stack.name}.yaml").read_text(encoding="utf-8"))["config"]


def _server(plane: ControlPlane) -> tuple[str, str]:
    """Image and claim of the server."""
    place = {"namespace": "upgraded", "name": "archesai-postgres"}
    live = plane.api.read({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": place})
    assert live is not None
    pod = live["spec"]["template"]["spec"]
    claims = [one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "persistentVolumeClaim" in one]
    return pod["containers"][0]["image"].partition(":")[2], claims[0]


def test_a_copy_that_fails_leaves_the_server_and_the_stack_file_as_they_were(
    stack: Deployment, control_plane: ControlPlane
) -> None:
    file, server = _file(stack), _server(control_plane)
    with no_kubelet(control_plane):
        running = stack.start_arches("upgrade", "database", "--to", "17", "--timeout", "240", "--yes", "--local-state")
        _report(control_plane, {"phase": "Failed"})
        outcome = running.wait()
    assert outcome.status == 1, outcome.text
    assert "the old server is as it was" in outcome.text
    assert (_file(stack), _server(control_plane)) == (file, server)
    control_plane.wait_for("the copy's end", lambda: ["a pod is left"] if _pods_of_the_copy(control_plane) else [])


def test_the_switch_takes_the_new_claim_keeps_the_old_one_and_is_undone_by_one_command(
    stack: Deployment, control_plane: ControlPlane
) -> None:
    before = _server(control_plane)
    with no_kubelet(control_plane):
        running = stack.start_arches("upgrade", "database", "--to", "17", "--timeout", "240", "--yes", "--local-state")
        ready = [{"type": "Ready", "status": "True"}]
        _report(
            control_plane,
            {"phase": "Running", "conditions": ready, "podIP": "10.0.0.9", "startTime": "2026-01-01T00:00:00Z"},
        )
        running.until(lambda _: NEW in str(_file(stack)))
    outcome = running.wait()
    assert outcome.status == 0, outcome.text
    assert _server(control_plane) == ("0.8.6-pg17-bookworm", NEW)
    assert before == ("0.8.6-pg16-bookworm", OLD)
    claims = {claim["metadata"]["name"] for claim in control_plane.api.list("v1", "PersistentVolumeClaim", "upgraded")}
    assert {OLD, NEW} <= claims
    protected = [one["urn"] for one in stack.exported()["deployment"]["resources"] if one.get("protect")]
    assert any(urn.endswith("::database-data") for urn in protected)

    # As of a command that was killed.
    left = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": "upgraded"}}
    control_plane.api.create(left)
    undone = stack.arches("upgrade", "database", "--undo", "--yes", "--local-state")
    assert undone.status == 0, undone.text
    assert control_plane.api.read(left) is None
    assert _server(control_plane) == before
    claims = {claim["metadata"]["name"] for claim in control_plane.api.list("v1", "PersistentVolumeClaim", "upgraded")}
    assert {OLD, NEW} <= claims
