"""What outlives a state, a kill or a destroy: fields of objects, and the password of the backups."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from archesai_infra.components.backups.keys import KEPT_SECRET, REPOSITORY_KEY, REPOSITORY_SECRET
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.given_secrets import provide
from testbed.matrix import ON

WITH_REDIS = DEV | {"redis": ON}


def _lose_the_state(deployment: Deployment) -> None:
    deployment.run("stack", "rm", "--force", "--yes", "--preserve-config").check()
    deployment.run("stack", "init", "--no-select").check()


def _api(rig: ControlPlane, deployment: Deployment) -> dict[str, Any]:
    found = rig.api.get("apps/v1", "Deployment", "archesai-api", deployment.name)
    return found["spec"]["template"]["spec"]["containers"][0]


def test_a_stack_with_a_lost_state_is_named_taken_over_and_edited_without_a_conflict(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("forgotten", WITH_REDIS)
    deployment.up()
    assert "redis" in str(_api(control_plane, deployment))
    _lose_the_state(deployment)

    refused = deployment.arches("up", "--yes")
    assert refused.status != 0
    assert "the state does not know stack forgotten, which runs in namespace forgotten" in refused.text
    deployment.arches("up", "--yes", "--take-over").check()

    deployment.configure({"api": {"image": {"tag": "v1.0.9"}}, "redis": None})
    deployment.up()
    container = _api(control_plane, deployment)
    assert container["image"].endswith(":v1.0.9")
    assert "redis" not in str(container), "no field of the lost state's manager is left"


@pytest.mark.parametrize("module", ["platform", "api"])
def test_an_object_whose_creation_was_killed_is_edited_later_without_a_conflict(
    module: str, deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy(f"cut-{module}", DEV)
    running = deployment.start("up", "--yes", "--skip-preview")
    running.until(lambda said: f"Deployment {module}-deployment creating" in said)
    running.kill()
    unended = bool(deployment.exported()["deployment"].get("pending_operations"))
    previewed = deployment.arches("preview").check().text
    assert ("an earlier run did not end, and this preview compares with the state" in previewed) == unended
    deployment.arches("up", "--yes").check()
    deployment.configure({module: {"image": {"tag": "v1.0.9"}}})
    done = deployment.up()
    assert f"Deployment {module}-deployment" in done.updated
    found = control_plane.api.get("apps/v1", "Deployment", f"archesai-{module}", deployment.name)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":v1.0.9")


def test_a_claim_never_asks_for_less_than_it_has_also_after_its_module_was_away(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    deployment = deploy("shrinking", WITH_REDIS | {"redis": ON | {"size": "7Gi"}})
    deployment.up()
    deployment.configure({"redis": None})
    deployment.up()
    deployment.configure({"redis": ON})
    outcome = deployment.run("up", "--yes", "--skip-preview").check()
    assert "no volume shrinks: claim archesai-redis-data keeps 7Gi instead of" in outcome.text
    claim = control_plane.api.get("v1", "PersistentVolumeClaim", "archesai-redis-data", deployment.name)
    assert claim["spec"]["resources"]["requests"]["storage"] == "7Gi"


def test_the_password_of_the_backups_outlives_the_stack_and_comes_back_with_it(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    bucket = {"bucket": "backups", "endpoint": "https://s3.example.com", "existingSecret": "keys"}
    backups = ON | bucket | {"velero": {"namespace": "opened-velero"}}
    deployment = deploy("opened", DEV | {"backups": backups})

    def password(name: str, namespace: str) -> str:
        return b64decode(control_plane.api.get("v1", "Secret", name, namespace)["data"][REPOSITORY_KEY]).decode()

    deployment.up()
    first = password(REPOSITORY_SECRET, "opened-velero")
    destroyed = deployment.arches("destroy", "--yes").check()
    assert f"Secret {KEPT_SECRET} is kept" in destroyed.text
    assert password(KEPT_SECRET, deployment.name) == first

    plain = deployment.run("up", "--yes", "--skip-preview")
    assert plain.status != 0, "another password never takes its place"
    assert "immutable" in plain.text
    assert password(KEPT_SECRET, deployment.name) == first

    provide(control_plane, deployment)
    deployment.arches("up", "--yes").check()
    assert password(REPOSITORY_SECRET, "opened-velero") == first
    assert not deployment.preview("--refresh")
