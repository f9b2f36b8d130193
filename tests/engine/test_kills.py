"""A first `up` of production that is killed at any moment, Helm at work or not, and that `arches up` makes whole."""

from __future__ import annotations

import os

import pytest

from archesai_infra.cli.engine.leftovers import UNFINISHED
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.given_secrets import provide
from testbed.engine.production import production
from testbed.engine.stack import Outcome
from testbed.engine.standin_charts import taking_time

MOMENTS = int(os.environ.get("ARCHESAI_KILLS", "4"))
"""How many kills are spread over a first `up`; twenty take many minutes."""
FIRST_SECONDS = 600.0


def _killed(deployment: Deployment, share: float, objects: int) -> None:
    """Kill a first `up` and everything it started when a share of its resources is there."""
    running = deployment.start_arches("up", "--yes", "--no-policy")
    running.until(lambda said: said.count(" created") >= share * objects, FIRST_SECONDS)
    assert running.process.poll() is None, running.text()[-2000:]
    running.kill_all()


def _credentials(rig: ControlPlane, deployment: Deployment) -> dict[str, Object]:
    """Data of the stack's Secrets and the identities of its claims that are there, by name."""
    namespace = str(deployment.config["namespace"])
    secrets = rig.api.list("v1", "Secret", namespace)
    claims = rig.api.list("v1", "PersistentVolumeClaim", namespace)
    found: dict[str, Object] = {item["metadata"]["name"]: item.get("data", {}) for item in secrets}
    return found | {item["metadata"]["name"]: item["metadata"]["uid"] for item in claims}


def _unfinished(rig: ControlPlane) -> list[str]:
    metadata = [item["metadata"] for item in rig.api.list("v1", "Secret")]
    records = [one for one in metadata if one.get("labels", {}).get("owner") == "helm"]
    return [one["name"] for one in records if one["labels"]["status"] in UNFINISHED]


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_one_more_up_makes_a_killed_first_up_of_production_whole(
    moment: int, deploy: Deploy, control_plane: ControlPlane
) -> None:
    with production(deploy, control_plane, f"killed-prod-{moment}", taking_time) as deployment:
        provide(control_plane, deployment)
        objects = len([one for one in deployment.declared().resources if one.custom])
        _killed(deployment, (moment + 0.5) / MOMENTS, objects)
        before = _credentials(control_plane, deployment)
        again = deployment.arches("up", "--yes", "--no-policy")
        assert again.status == 0, again.text[-4000:]
        after = _credentials(control_plane, deployment)
        assert {name: after.get(name) for name in before} == before
        assert _unfinished(control_plane) == []
        _quiet(deployment.run("preview", "--refresh", "--expect-no-changes"))


def _quiet(preview: Outcome) -> None:
    assert preview.status == 0, preview.text[-4000:]
    assert "pending operations" not in preview.text


def test_an_up_killed_while_helm_installs_names_the_records_it_clears(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    with production(deploy, control_plane, "killed-helm", taking_time) as deployment:
        provide(control_plane, deployment)
        running = deployment.start_arches("up", "--yes", "--no-policy")
        running.until(lambda _: bool(_unfinished(control_plane)), FIRST_SECONDS)
        assert running.process.poll() is None, running.text()[-2000:]
        running.kill_all()
        doctor = deployment.arches("doctor")
        assert "pending-install" in doctor.text
        deployment.run("cancel", "--yes").check()
        refused = deployment.run("up", "--yes", "--skip-preview")
        assert "cannot re-use a name that is still in use" in refused.text, "the engine alone cannot go on"
        again = deployment.arches("up", "--yes", "--no-policy").check()
        assert "pending-install" in again.text
        assert _unfinished(control_plane) == []
        _quiet(deployment.run("preview", "--refresh", "--expect-no-changes"))
