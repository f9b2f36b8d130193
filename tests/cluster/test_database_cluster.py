"""Each form of the cluster of PostgreSQL before the operator's own definitions, their CEL rules included."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from testbed.cluster.deployed import apply, content
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import MATRIX
from testbed.stacks import Config, render

pytestmark = pytest.mark.cluster

NAMESPACE = "definitions"
KINDS = ("Cluster", "Pooler", "PodMonitor", "Secret", "Service", "NetworkPolicy", "PodDisruptionBudget")
FORMS = {name: config for name, config in MATRIX.items() if name.startswith("database cluster")}
TOLERATION = {"key": "database", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
FORMS["database cluster placed and from a mirror"] = FORMS["database cluster"] | {
    "images": {"registry": "registry.example.com/mirror", "pullPolicy": "IfNotPresent"},
    "security": {"registry": {"server": "registry.example.com", "username": "robot"}},
    "registryPassword": "made up for a test",
    "scheduling": {"nodeSelector": {"disk": "ssd"}, "tolerations": [TOLERATION], "priorityClass": "data"},
}


def objects(config: Config) -> list[Object]:
    """What the stack declares of the database, in the test's namespace."""
    found: list[Object] = []
    for item in render(config, reveal=True).objects:
        if item["kind"] in KINDS and item["metadata"]["labels"]["app.kubernetes.io/component"] == "database":
            moved = deepcopy(item)
            moved["metadata"]["namespace"] = NAMESPACE
            found.append(moved)
    return found


@pytest.fixture(scope="module")
def namespace(prepared: ControlPlane) -> str:
    prepared.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]).check()
    return NAMESPACE


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_taken_as_it_is_and_a_second_time_without_a_change(
    prepared: ControlPlane, namespace: str, name: str
) -> None:
    items = objects(FORMS[name])
    assert {"Cluster", "Secret", "Service", "NetworkPolicy"} - {item["kind"] for item in items} <= {"Secret"}
    first = apply(prepared, items).check()
    assert first.warnings == {}
    again = apply(prepared, items).check()
    assert [content(found) for found in first.results] == [content(found) for found in again.results]
    for item in items:
        assert item["metadata"]["namespace"] == namespace
        prepared.api.delete(item)


WRONG: dict[str, tuple[list[str], Any]] = {
    "spec.postgresql.synchronous.number": (["postgresql", "synchronous", "number"], 0),
    "spec.affinity.podAntiAffinity": (["affinity", "podAntiAffinity"], "required"),
    "spec.postgresql.synchronous.method": (["postgresql", "synchronous", "method"], "some"),
    "spec.storage.sice": (["storage", "sice"], "1Gi"),
}


@pytest.mark.parametrize("field", WRONG)
@pytest.mark.usefixtures("namespace")
def test_the_definitions_refuse_what_they_do_not_know(prepared: ControlPlane, field: str) -> None:
    path, value = WRONG[field]
    (item,) = (item for item in objects(FORMS["database cluster"]) if item["kind"] == "Cluster")
    inside = item["spec"]
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    (error,) = apply(prepared, [item]).errors.values()
    assert field.rpartition(".")[2] in str(error)
