"""The project's own commands with a real engine and a real API server."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.controlplane import fleet
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import Outcome


@pytest.fixture(scope="module")
def commanded(deploy: Deploy) -> tuple[Deployment, dict[str, Outcome]]:
    """A stack after each command in turn, and what each said."""
    deployment = deploy("commanded", DEV)
    said = {
        "preview": deployment.arches("preview"),
        "up": deployment.arches("up", "--yes"),
        "drift": deployment.arches("preview", "--refresh"),
        "edited": _edited(deployment),
        "destroy": deployment.arches("destroy", "--yes"),
    }
    return deployment, said


def _edited(deployment: Deployment) -> Outcome:
    deployment.configure({"api": {"image": {"tag": "v2"}}, "redis": {"enabled": True}})
    return deployment.arches("preview")


@pytest.mark.parametrize("command", ["preview", "up", "drift", "edited", "destroy"])
def test_each_command_names_the_cluster_before_anything_happens(
    command: str, commanded: tuple[Deployment, dict[str, Outcome]], control_plane: ControlPlane
) -> None:
    outcome = commanded[1][command].check()
    first = outcome.text.splitlines()[0]
    assert control_plane.server in first or "control-plane" in first, first


def test_a_preview_after_up_has_nothing_to_do(commanded: tuple[Deployment, dict[str, Outcome]]) -> None:
    assert "39 unchanged" in commanded[1]["drift"].text


def test_a_preview_ends_with_old_and_new_values_what_restarts_and_what_opens(
    commanded: tuple[Deployment, dict[str, Outcome]],
) -> None:
    text = commanded[1]["edited"].check().text.rpartition("Resources:")[2]
    assert "Restarts: archesai-api (rolling)\nOpens:    api -> redis:6379\n" in text
    assert "containers.api.image: archesai/api:latest -> archesai/api:v2\n" in text
    assert "NetworkPolicy archesai-api\n    opens api -> redis:6379\n" in text


def test_destroy_says_what_stays(commanded: tuple[Deployment, dict[str, Outcome]]) -> None:
    text = commanded[1]["destroy"].text
    assert "Namespace commanded and its volumes are kept" in text


def test_a_cluster_that_does_not_answer_is_said_before_a_change(deploy: Deploy, control_plane: ControlPlane) -> None:
    stranger = control_plane.kubeconfig_with_token("stranger")
    deployment = deploy("stranger", DEV, environment={"KUBECONFIG": str(stranger)})
    outcome = deployment.arches("up", "--yes")
    assert outcome.status != 0
    assert "the cluster must answer before it can be changed" in outcome.text


def _file(deployment: Deployment) -> dict[str, Any]:
    return yaml.safe_load((deployment.work / f"Pulumi.{deployment.name}.yaml").read_text(encoding="utf-8"))["config"]


def test_a_key_is_set_and_unset_in_the_stack_file_and_a_bad_value_leaves_it_alone(deploy: Deploy) -> None:
    deployment = deploy("configured", DEV)
    before = _file(deployment)
    deployment.arches("config", "set", "redis.enabled", "true").check()
    assert _file(deployment) == before | {"archesai:redis": {"enabled": True}}
    refused = deployment.arches("config", "set", "redis.enabled", "maybe")
    assert refused.status == 2
    assert "redis.enabled: must be true or false (got maybe)" in refused.text
    assert _file(deployment)["archesai:redis"] == {"enabled": True}
    broken = deployment.arches("config", "set", "redis[", "1")
    assert "error: redis[: cannot be read as a key" in broken.text
    deployment.arches("config", "unset", "redis").check()
    assert _file(deployment) == before


def test_a_saved_plan_is_applied_as_it_is_and_refused_before_the_first_change_once_something_differs(
    deploy: Deploy, tmp_path: Path
) -> None:
    deployment = deploy("planned", DEV)
    plan, later = tmp_path / "plan.json", tmp_path / "later.json"
    refused = deployment.arches("preview", "--save-plan", str(plan))
    assert "this change generates values, and no plan can hold them: Stash api-jwt-secret" in refused.text
    assert not plan.exists()
    deployment.up()
    deployment.configure({"api": {"image": {"tag": "v2"}}})
    assert f"arches up --stack planned --plan {plan}" in deployment.arches("preview", "--save-plan", str(plan)).text
    deployment.configure({"api": {"image": {"tag": "v3"}}})
    other = deployment.arches("up", "--yes", "--plan", str(plan))
    assert (other.status, "the plan no longer holds, and nothing was changed" in other.text) == (1, True)
    assert "Deployment api-deployment, Job migrations-job" in other.text
    deployment.arches("preview", "--save-plan", str(later)).check()
    assert "~ 1 updated" in deployment.arches("up", "--yes", "--plan", str(later)).check().text
    assert not deployment.preview()


def test_the_sdks_own_steps_are_told_where_the_variable_behind_debug_asks_for_them(deploy: Deploy) -> None:
    deployment = deploy("debugged", DEV)
    step = "resource registration prepared"
    assert step not in deployment.run("preview", "--debug").check().text
    assert step in deployment.run("preview", environment={"PULUMI_OPTION_DEBUG": "true"}).check().text


def test_ctrl_c_in_an_up_says_what_state_things_are_in_and_the_next_up_goes_on(deploy: Deploy) -> None:
    deployment = deploy("interrupted", DEV)
    running = deployment.start_arches("up", "--yes")
    running.until(lambda text: "creating" in text)
    os.killpg(running.process.pid, signal.SIGINT)
    outcome = running.wait()
    assert outcome.status == 130
    assert "the engine finishes the current step and saves the state" in outcome.text
    assert "interrupted: finished steps are in the state" in outcome.text
    assert "Traceback" not in outcome.text
    deployment.arches("up", "--yes").check()
    assert not deployment.preview()


def test_drift_is_a_finding_of_doctor_with_the_command_that_shows_it(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("drifting", DEV)
    deployment.up()
    quiet = deployment.arches("doctor", "--drift")
    assert "cluster, state and program agree" in quiet.text
    service = control_plane.api.get("v1", "Service", "archesai-api", "drifting")
    control_plane.api.patch(service, {"spec": {"ports": [{"name": "http", "port": 3001, "targetPort": 9999}]}})
    found = deployment.arches("doctor", "--drift")
    assert found.status == 1
    assert "cluster, state and program differ: 1 to update" in found.text
    assert "arches preview --refresh -s drifting" in found.text


def test_a_class_that_the_cluster_has_is_found_before_anything_changes(deploy: Deploy) -> None:
    hosts = {"enabled": True, "controller": {"install": True}}
    newcomer = deploy("classes", DEV | {"domain": "classes.example.com", "ingress": hosts})
    # A stack of another test may have taken the class over.
    others = "(not this stack|stack [a-z-]+)'s"
    found = rf"IngressClass {fleet.INGRESS_CLASS} exists and is {others}: set ingress\.className"
    assert re.search(f"warning: {found}", newcomer.arches("preview").check().text)
    refused = newcomer.arches("up", "--yes", "--local-state")
    assert refused.status == 2
    assert re.search(found, refused.text)
    assert not newcomer.exported()["deployment"].get("resources")
