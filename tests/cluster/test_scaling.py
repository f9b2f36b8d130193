from __future__ import annotations

import pytest

from testbed.cluster.deployed import Deployed, apply
from testbed.controlplane.api import MERGE_PATCH
from testbed.stacks import Config
from tests.cluster.conftest import Run

pytestmark = pytest.mark.cluster

API = "archesai-api"
SCALED: Config = {"environment": "development", "api": {"autoscaling": {"enabled": True, "maxReplicas": 6}}}


def scale(stack: Deployed, replicas: int) -> None:
    """Set the number of pods as an autoscaler does."""
    path = f"{stack.rig.api.path_of(stack.one('Deployment', API))}/scale"
    stack.rig.api.request("PATCH", path, body={"spec": {"replicas": replicas}}, content_type=MERGE_PATCH)


def test_an_autoscaler_starts_with_its_minimum_and_keeps_what_it_decided_through_an_apply(own_stack: Run) -> None:
    stack = own_stack("scaled", SCALED)
    assert "replicas" not in stack.one("Deployment", API)["spec"]
    stack.wait_for_pods(API, 3)
    scale(stack, 5)
    stack.wait_for_pods(API, 5)
    before = stack.contents()
    again = apply(stack.rig, stack.items, force=False)
    assert (again.errors, again.warnings) == ({}, {})
    assert stack.contents() == before
    assert (stack.rig.api.read(stack.one("Deployment", API)) or {})["spec"]["replicas"] == 5


def test_an_autoscaler_takes_back_what_goes_beyond_its_bounds(own_stack: Run) -> None:
    stack = own_stack("bounded", SCALED)
    stack.wait_for_pods(API, 3)
    scale(stack, 9)
    stack.wait_for_pods(API, 6)
    scale(stack, 1)
    stack.wait_for_pods(API, 3)


def test_without_an_autoscaler_an_apply_sets_the_number_and_a_scaled_deployment_is_a_named_conflict(
    own_stack: Run,
) -> None:
    stack = own_stack("unscaled", {"environment": "development", "api": {"replicas": 2}})
    stack.wait_for_pods(API, 2)
    scale(stack, 4)
    stack.wait_for_pods(API, 4)
    polite = apply(stack.rig, [stack.one("Deployment", API)], force=False)
    assert ".spec.replicas" in polite.errors[f"Deployment {stack.namespace}/{API}"]
    apply(stack.rig, [stack.one("Deployment", API)]).check()
    stack.wait_for_pods(API, 2)


def test_a_new_image_rolls_without_a_pod_less(own_stack: Run) -> None:
    stack = own_stack("rolled", {"environment": "development", "api": {"replicas": 2}})
    stack.wait_for_pods(API, 2)
    old = {pod["metadata"]["uid"] for pod in stack.pods("api")}
    changed = stack.one("Deployment", API)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "archesai/api:next"
    apply(stack.rig, [changed]).check()
    fewest = 2

    def unrolled() -> list[str]:
        nonlocal fewest
        status = (stack.rig.api.read(changed) or {})["status"]
        fewest = min(fewest, status.get("availableReplicas", 0))
        left = old & {pod["metadata"]["uid"] for pod in stack.pods("api")}
        return [f"{len(left)} old pods are there"] if left else []

    stack.rig.wait_for("the roll-out", unrolled)
    assert fewest == 2
