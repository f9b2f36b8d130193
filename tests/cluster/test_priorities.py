from __future__ import annotations

from collections.abc import Generator

import pytest

from testbed.cluster.deployed import deploy
from testbed.cluster.scenarios import merged, priority_class
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config
from tests.cluster.conftest import Run

pytestmark = pytest.mark.cluster

DEVELOPMENT: Config = {"environment": "development"}


@pytest.fixture
def reserved_node(prepared: ControlPlane) -> Generator[str]:
    """A node of 8 cores that takes only pods which tolerate its taint."""
    api = prepared.api
    node = api.get("v1", "Node", "node-1", namespace=None)
    labels = node["metadata"]["labels"] | {"kubernetes.io/hostname": "reserved"}
    annotations = {"kwok.x-k8s.io/node": "fake"}
    node["metadata"] = {"name": "reserved", "labels": labels, "annotations": annotations}
    node["spec"] = {"taints": [{"key": "reserved", "effect": "NoSchedule"}]}
    api.create(node)
    yield "reserved"
    api.delete(node)


def on(node: str, cores: int) -> Config:
    """Settings of a module that needs this many cores of the reserved node."""
    amounts = {"cpu": str(cores), "memory": "1Gi"}
    tolerations = [{"key": "reserved", "operator": "Exists", "effect": "NoSchedule"}]
    selector = {"kubernetes.io/hostname": node}
    return {
        "resources": {"requests": amounts, "limits": amounts},
        "scheduling": {"nodeSelector": selector, "tolerations": tolerations},
    }


def test_the_database_takes_the_place_of_the_platform_where_only_one_fits(own_stack: Run, reserved_node: str) -> None:
    config = DEVELOPMENT | {"platform": on(reserved_node, 5)}
    stack = own_stack("first", config, priority_class("first-data", 1000))
    rig = stack.rig
    rig.wait_ready(*stack.of_kind("Deployment", "StatefulSet"))
    assert {pod["spec"]["nodeName"] for pod in stack.pods("platform")} == {reserved_node}

    first = merged(on(reserved_node, 5), {"scheduling": {"priorityClass": "first-data"}})
    deploy(rig, stack.scenario, {"database": first}).outcome.check()

    def elsewhere() -> list[str]:
        places = {pod["spec"].get("nodeName") for pod in stack.pods("database")}
        return [] if places == {reserved_node} else [f"the database is on {places}"]

    rig.wait_for("the database on the reserved node", elsewhere)
    assert {pod["spec"].get("nodeName") for pod in stack.pods("platform")} == {None}


def test_a_worker_makes_way_for_the_database_by_the_class_that_the_stack_makes(
    own_stack: Run, reserved_node: str
) -> None:
    worker = on(reserved_node, 5) | {"enabled": True}
    stack = own_stack("yielding", DEVELOPMENT | {"scraper": worker, "scheduling": {"workerPriority": -100}})
    rig = stack.rig
    rig.wait_ready(*stack.of_kind("Deployment", "StatefulSet"))
    assert {pod["spec"]["nodeName"] for pod in stack.pods("scraper")} == {reserved_node}
    deploy(rig, stack.scenario, {"database": on(reserved_node, 5)}).outcome.check()

    def elsewhere() -> list[str]:
        places = {pod["spec"].get("nodeName") for pod in stack.pods("database")}
        return [] if places == {reserved_node} else [f"the database is on {places}"]

    rig.wait_for("the database in the worker's place", elsewhere)


def test_a_priority_class_that_does_not_exist_is_named(own_stack: Run) -> None:
    stack = own_stack("classless", DEVELOPMENT | {"api": {"scheduling": {"priorityClass": "unheard-of"}}})

    def unsaid() -> list[str]:
        lines = stack.warnings()
        return (
            []
            if any("no PriorityClass with name unheard-of was found" in line for line in lines)
            else lines or ["none"]
        )

    stack.rig.wait_for("a warning about the class", unsaid)
