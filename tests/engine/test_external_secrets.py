"""A stack whose secrets an operator fills from a store: the engine waits for each, and holds none."""

from __future__ import annotations

import json

import pytest

from testbed.controlplane import crds
from testbed.controlplane.api import ApiError, Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import THROW_AWAY

API = "external-secrets.io/v1"
VALUE = "from the store"
LOGIN = {"server": "registry.example.com", "username": "robot"}
STORED = DEV | {"secrets": {"external": {"store": "vault"}}, "security": {"registry": LOGIN}}
WANTED = {"archesai-api", "archesai-database", "regcred"}


def _fill(rig: ControlPlane, item: Object) -> None:
    """What the operator does with one object; nothing of it runs here."""
    target, metadata = item["spec"]["target"], item["metadata"]
    rig.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": target["name"], "namespace": metadata["namespace"]},
                "type": target["template"]["type"],
                "stringData": {
                    key: json.dumps({"auths": {}}) if key == ".dockerconfigjson" else VALUE
                    for key in target["template"]["data"]
                },
            }
        ]
    ).check()
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "SecretSynced",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    rig.api.patch(item, {"status": {"conditions": [condition]}}, status=True)


def _fill_all(rig: ControlPlane, deployment: Deployment) -> None:
    """Fill each Secret once it is asked for; what reads it must not be there before."""
    filled: set[str] = set()

    def missing() -> list[str]:
        try:
            asked = rig.api.list(API, "ExternalSecret", deployment.name)
        except ApiError as error:
            # Right after a definition was installed its objects have no storage yet.
            return [str(error)]
        for item in asked:
            name = item["metadata"]["name"]
            if name not in filled:
                running = {one["metadata"]["name"] for one in rig.api.list("apps/v1", "Deployment", deployment.name)}
                assert name not in running
                _fill(rig, item)
                filled.add(name)
        return sorted(WANTED - filled)

    rig.wait_for("the Secrets that the stack asks for", missing, seconds=120)


@pytest.mark.timeout(400)
def test_an_up_waits_for_each_secret_of_the_store_and_the_state_holds_none(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    control_plane.install_definitions(crds.custom_resource_definitions("external-secrets.io"))
    deployment = deploy("stored", STORED)
    operation = deployment.start("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    _fill_all(control_plane, deployment)
    operation.wait().check()
    resources = deployment.exported(reveal=True)["deployment"]["resources"]
    assert [one["urn"] for one in resources if one["type"] == "kubernetes:core/v1:Secret"] == []
    assert VALUE not in json.dumps(resources)
    assert not deployment.preview()
    deployment.destroy()
