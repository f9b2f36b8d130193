"""Monitoring in a running stack: it goes and comes back to its data, and Grafana follows its password."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator

import pytest

from archesai_infra.cli.digest.digest import digest
from archesai_infra.credentials import Credential
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes, short
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import THROW_AWAY
from testbed.stacks import ALONE, DEVELOPMENT, Config

HOME = "watched-monitoring"
PASSWORD = f"{PROJECT}:{Credential.GRAFANA_ADMIN_PASSWORD}"
CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "prometheus-db", "namespace": HOME},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
"""As the operator makes one for Prometheus."""


def config() -> Config:
    monitoring = {"enabled": True, "namespace": HOME}
    return DEVELOPMENT | ALONE | {"redis": {"enabled": True}, "monitoring": monitoring}


@pytest.fixture(scope="module")
def deployed(deploy: Deploy) -> Deployment:
    deployment = deploy("watched", config())
    deployment.up()
    return deployment


@pytest.fixture
def watched(deployed: Deployment) -> Generator[Deployment]:
    """The stack for one test; afterwards it is what it was."""
    yield deployed
    deployed.unset(PASSWORD)
    deployed.configure({"monitoring": {"enabled": True}})
    deployed.up()


def _custom(declared: Evaluation) -> frozenset[str]:
    return frozenset(short(one.urn) for one in declared.resources if one.custom)


def _uid(rig: ControlPlane, item: Object) -> str:
    found = rig.api.read(item)
    assert found, f"{item['metadata']['name']} is gone"
    return found["metadata"]["uid"]


def test_it_goes_and_comes_back_to_the_same_namespace_and_claims(
    watched: Deployment, control_plane: ControlPlane
) -> None:
    control_plane.apply([CLAIM]).check()
    home: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
    before = [_uid(control_plane, item) for item in (home, CLAIM)]
    own = _custom(watched.declared()) - _custom(watched.configure({"monitoring": {"enabled": False}}))

    preview = json.loads(watched.run("preview", "--json").check().text)
    kept = digest(preview).partition("Data that leaves the stack; it stays in the cluster")[2]
    assert f"Namespace `{HOME}` (monitoring)" in kept
    assert watched.up() == Changes(deleted=own)
    assert [_uid(control_plane, item) for item in (home, CLAIM)] == before

    watched.configure({"monitoring": {"enabled": True}})
    assert watched.up() == Changes(created=own)
    assert [_uid(control_plane, item) for item in (home, CLAIM)] == before
    assert not watched.up()


def test_another_stack_does_not_take_the_namespace_over(
    deploy: Deploy, watched: Deployment, control_plane: ControlPlane
) -> None:
    assert not watched.up()
    other = deploy("watcher", config())
    outcome = other.run("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    assert outcome.status != 0
    assert "conflict" in outcome.text.lower()
    labels = control_plane.api.get("v1", "Namespace", HOME)["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == "watched"
    other.destroy()


def test_another_password_of_grafana_updates_its_secret_and_its_release_only(watched: Deployment) -> None:
    changes = frozenset({"Secret monitoring-home-grafana-admin", "Release monitoring-home-kube-prometheus-stack"})
    values = [secrets.token_urlsafe(16) for _ in range(2)]
    watched.set_secret(PASSWORD, values[0])
    assert watched.up() == Changes(updated=changes, deleted=frozenset({"Stash monitoring-home-grafana-password"}))
    watched.set_secret(PASSWORD, values[1])
    assert watched.up() == Changes(updated=changes)
    assert not watched.up()
    state = str(watched.exported())
    assert [value for value in values if value in state] == []
