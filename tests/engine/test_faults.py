"""What goes wrong while the engine runs, and that running it again is enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archesai_infra.cli.engine.operations import FORCING
from testbed.controlplane.api import Object
from testbed.controlplane.refusals import MESSAGE, updates_refused
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes, short
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import THROW_AWAY, Outcome

MOMENTS = (0, 3, 7, 11, 15, 19, 24, 29, 33, 37)
"""How many resources are created when the engine is killed; a first deployment has 42."""

AT_ONCE = 2
"""Deployments that run side by side: most of their time is waiting."""


def created(count: int) -> Callable[[str], bool]:
    """Whether the engine has said that it created so many resources; for none, that it began."""
    return lambda said: len(re.findall(r" created \(", said)) >= count and " creating (" in said


def killed_and_run_again(deployment: Deployment, reached: Callable[[str], bool]) -> Outcome:
    """Kill a first `up` when it has said something, then do what the engine says and nothing else; the last `up`."""
    first = deployment.start("up", "--yes", "--skip-preview")
    first.until(reached)
    first.kill()
    again = deployment.run("up", "--yes", "--skip-preview")
    if "`pulumi cancel`" in again.text:
        deployment.arches("cancel", "--yes").check()
        again = deployment.run("up", "--yes", "--skip-preview")
    if "`pulumi refresh`" in again.text:
        # Its form without questions.
        deployment.run("refresh", "--yes", "--clear-pending-creates").check()
    return again


@pytest.fixture(scope="module")
def killed(deploy: Deploy) -> Mapping[int, tuple[Deployment, Outcome]]:
    """By moment, a stack whose first `up` was killed then, and its second."""
    deployments = {moment: deploy(f"killed-at-{moment}", DEV) for moment in MOMENTS}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = pool.map(killed_and_run_again, deployments.values(), map(created, deployments))
        return {moment: (deployments[moment], outcome) for moment, outcome in zip(MOMENTS, outcomes, strict=True)}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stack_whose_first_up_was_killed_is_whole_after_the_next(
    moment: int, killed: Mapping[int, tuple[Deployment, Outcome]], control_plane: ControlPlane
) -> None:
    deployment, again = killed[moment]
    assert again.status == 0, again.text[-4000:]
    assert not [item["metadata"]["name"] for item in deployment.declared().objects if not control_plane.api.read(item)]
    preview = deployment.run("preview", "--refresh", "--expect-no-changes")
    assert preview.status == 0, preview.text[-4000:]
    assert "pending operations" not in preview.text


def test_a_change_that_an_up_was_killed_in_goes_with_the_edit_that_asked_for_it(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    scraper = _object("apps/v1", "Deployment", "archesai-scraper", "killed-change")
    deployment = deploy("killed-change", DEV)
    deployment.up()
    # No node has that much: the engine waits for pods that stay pending.
    wide = {"resources": {"requests": {"cpu": "900"}, "limits": {"cpu": "900"}}}
    deployment.configure({"api": wide, "scraper": {"enabled": True} | wide})
    running = deployment.start_arches("up", "--yes")
    running.until(lambda _: _api_cpu(control_plane) == "900" and control_plane.api.read(scraper) is not None)
    running.kill_all()
    deployment.configure({"api": {"resources": None}, "scraper": None})
    again = deployment.arches("up", "--yes").check()
    assert "An earlier run was killed while it changed 1 object; the cluster is read first." in again.text
    assert _api_cpu(control_plane) != "900"
    # The state never had it: its removal is the user's.
    removal = "--namespace killed-change delete --ignore-not-found deployment/archesai-scraper"
    assert removal in again.text
    control_plane.kubectl(*removal.split())
    assert control_plane.api.read(scraper) is None
    assert not deployment.preview("--refresh")


def test_the_configuration_in_use_stays_where_an_up_failed_and_its_edit_is_taken_back(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("failed-change", DEV)
    deployment.up()
    deployment.configure({"api": {"logLevel": "debug"}})
    others = "object.metadata.name != 'archesai-api'"
    with updates_refused(control_plane, "failed-change", "apps", "deployments", others):
        failed = deployment.run("up", "--yes", "--skip-preview")
    assert MESSAGE in failed.text
    deployment.configure({"api": {"logLevel": None}})
    back = deployment.up()
    assert back.deleted == {"ConfigMap api-config"}
    assert back.created == frozenset()
    assert not deployment.preview("--refresh")


def test_a_state_of_before_names_with_a_digest_has_nothing_to_change(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy("former-names", DEV)
    deployment.up()
    exported = tmp_path / "state.json"
    deployment.run("stack", "export", "--file", str(exported)).check()
    former = re.sub(r"(ConfigMap::[a-z-]+)-[0-9a-f]{8}\b", r"\1", exported.read_text(encoding="utf-8"))
    exported.write_text(former, encoding="utf-8")
    deployment.run("stack", "import", "--file", str(exported)).check()
    assert not deployment.preview("--refresh")
    deployment.configure({"api": {"logLevel": "debug"}})
    assert deployment.preview().replaced == {"ConfigMap api-config"}
    deployment.up()
    assert not deployment.preview("--refresh")


def _api_cpu(rig: ControlPlane) -> str:
    found = rig.api.get("apps/v1", "Deployment", "archesai-api", "killed-change")
    return found["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"]


def test_an_api_server_that_goes_away_in_the_middle_is_no_harm(deploy: Deploy, control_plane: ControlPlane) -> None:
    deployment = deploy("cut-off", DEV)
    operation = deployment.start("up", "--yes", "--skip-preview")
    operation.until(created(15))
    control_plane.stop_apiserver()
    try:
        operation.until(lambda said: "connection refused" in said)
    finally:
        control_plane.start_apiserver()
    # What it was waiting for it goes on to wait for, until the server is back.
    assert "connection refused" in operation.wait().text
    deployment.run("up", "--yes", "--skip-preview").check()
    preview = deployment.run("preview", "--refresh", "--expect-no-changes")
    assert preview.status == 0, preview.text[-4000:]


def _object(api_version: str, kind: str, name: str, namespace: str = "drifting") -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def test_what_others_delete_and_edit_is_shown_and_healed(deploy: Deploy, control_plane: ControlPlane) -> None:
    deployment = deploy("drifting", DEV)
    deployment.up()
    api = _object("apps/v1", "Deployment", "archesai-api")
    control_plane.api.delete(_object("v1", "Service", "archesai-platform"))
    control_plane.api.delete(_object("policy/v1", "PodDisruptionBudget", "archesai-api"))
    control_plane.api.patch(api, {"spec": {"replicas": 3}})
    policy = _object("networking.k8s.io/v1", "NetworkPolicy", "archesai-default-deny")
    control_plane.api.patch(policy, {"spec": {"policyTypes": ["Ingress"]}})

    drift = deployment.run("preview", "--refresh", environment=FORCING).check().changes
    assert drift == Changes(
        created=frozenset({"Service platform-service", "PodDisruptionBudget api-budget"}),
        updated=frozenset({"Deployment api-deployment", "NetworkPolicy security-default-deny"}),
    )

    said = deployment.arches("up", "--refresh", "--yes").check().text
    assert "+ 2 created" in said
    assert "~ 2 updated" in said
    assert not deployment.preview("--refresh")
    assert control_plane.api.get("apps/v1", "Deployment", "archesai-api", "drifting")["spec"]["replicas"] == 1


def test_who_may_only_read_sees_the_plan_and_is_told_that_he_cannot_deploy(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    viewer = control_plane.kubeconfig("viewer", cluster_roles=["view"])
    deployment = deploy("read-only", DEV, environment={"KUBECONFIG": str(viewer)})
    custom = {short(one.urn) for one in deployment.declared().resources if one.custom}
    assert deployment.preview().created == custom

    refused = deployment.run("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    assert refused.status != 0
    assert 'User "viewer" cannot' in refused.text
    assert control_plane.api.read({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "read-only"}}) is None
