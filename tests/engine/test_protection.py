"""Production data: an `up` that would replace or delete it stops, and says how to go on."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from testbed.controlplane.api import Object
from testbed.controlplane.kubeconfigs import CONTEXT
from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deploy, Deployment
from testbed.stacks import Config, find

PINNED: Config = {"image": {"tag": "v1.0.0"}}
SMALL: Config = {
    "environment": "production",
    "cluster": {"context": CONTEXT},
    "api": PINNED,
    "platform": PINNED,
    "redis": {"enabled": True},
}

NEEDED = ("Namespace", "PersistentVolumeClaim", "StatefulSet", "Secret", "Service")
"""What a server that holds data cannot do without."""

CASES: dict[str, tuple[Config, tuple[str, ...]]] = {
    "another namespace": ({"namespace": "guarded-elsewhere"}, ("security-namespace",)),
    "another storage class": ({"database": {"storageClass": "fast"}}, ("database-data",)),
}
"""Edits that replace data: the engine refuses them."""
WITHOUT: dict[str, Config] = {
    "redis": {"redis": None},
    "database": {"database": {"mode": "external", "host": "db.example.com", "existingSecret": "their-database"}},
}
"""Edits that take a module's data out of the stack: the program refuses them."""


@pytest.fixture(scope="module")
def production(deploy: Deploy) -> Deployment:
    deployment = deploy("guarded", SMALL)
    deployment.up()
    return deployment


@pytest.fixture
def guarded(production: Deployment) -> Generator[Deployment]:
    """The stack for one test; afterwards it is what it was."""
    before = production.config
    yield production
    production.config = before
    production.configure()
    production.up()


@pytest.mark.parametrize("case", CASES)
def test_an_up_that_takes_data_away_stops_and_says_how_to_go_on(
    case: str, guarded: Deployment, control_plane: ControlPlane
) -> None:
    changed, stopped = CASES[case]
    needed = [item for item in guarded.declared().objects if item["kind"] in NEEDED]
    before = [_identity(control_plane, item) for item in needed]
    guarded.configure(changed)
    outcome = guarded.arches("up", "--yes")
    assert outcome.status != 0
    said = outcome.text.rpartition("production data is protected: ")[2]
    assert any(name in said for name in stopped), outcome.text[-4000:]
    assert "To keep it, revert the edit" in said
    assert "pulumi up --ignore-protect --stack guarded" in said
    assert [_identity(control_plane, item) for item in needed] == before


@pytest.mark.parametrize("module", WITHOUT)
@pytest.mark.parametrize("flags", [("up", "--yes", "--skip-preview"), ("preview",)])
def test_a_module_with_data_is_not_taken_out_even_without_a_preview(
    module: str, flags: tuple[str, ...], guarded: Deployment, control_plane: ControlPlane
) -> None:
    everything = guarded.declared().objects
    before = [_identity(control_plane, item) for item in everything]
    guarded.configure(WITHOUT[module])
    outcome = guarded.run(*flags)
    assert outcome.status != 0
    assert f"production data is protected: {module} would be deleted, and nothing was changed" in outcome.text
    assert f"(security.unprotected: [{module}])" in outcome.text
    assert [_identity(control_plane, item) for item in everything] == before
    assert not outcome.changes.deleted


def test_who_insists_goes_on_and_the_volume_still_stays(guarded: Deployment, control_plane: ControlPlane) -> None:
    """The way that the message names."""
    claim = find(guarded.declared(), "PersistentVolumeClaim", "archesai-redis-data")
    server = find(guarded.declared(), "StatefulSet", "archesai-redis")
    guarded.configure({"environment": "development"})
    assert "ends the protection of database, redis, security" in guarded.run("preview").text
    guarded.configure({"environment": "production", "security": {"unprotected": ["redis"]}})
    guarded.up()
    guarded.configure({"redis": None})
    guarded.up()
    assert control_plane.api.read(server) is None
    assert control_plane.api.read(claim)


def test_a_destroy_of_production_stops_before_anything_goes(guarded: Deployment, control_plane: ControlPlane) -> None:
    everything = guarded.declared().objects
    before = [_identity(control_plane, item) for item in everything]
    outcome = guarded.arches("destroy", "--yes")
    assert outcome.status == 1
    assert "production data is protected: " in outcome.text
    assert "pulumi destroy --ignore-protect --stack guarded" in outcome.text
    assert [_identity(control_plane, item) for item in everything] == before


def _identity(rig: ControlPlane, item: Object) -> str | None:
    found = rig.api.read(item)
    return found["metadata"]["uid"] if found else None


def test_production_wants_its_cluster_pinned(deploy: Deploy) -> None:
    loose = deploy("loose", SMALL | {"cluster": {}})
    outcome = loose.run("up", "--yes", "--skip-preview")
    assert outcome.status != 0
    assert "cluster.context: production needs a pinned cluster" in outcome.text
    assert "arches config set cluster.context" in outcome.text
