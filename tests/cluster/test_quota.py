from __future__ import annotations

import pytest

from testbed.cluster.deployed import READY_SECONDS, Deployed, apply
from testbed.cluster.scenarios import merged
from testbed.controlplane.api import Object
from testbed.stacks import Config, shipped_config
from tests.cluster.conftest import Run

pytestmark = pytest.mark.cluster


def quota(**hard: str) -> Config:
    limits = {name.replace("_", "."): value for name, value in hard.items()}
    return {"environment": "development", "security": {"quota": {"enabled": True, "hard": limits}}}


def wait_for_warning(stack: Deployed, *words: str) -> None:
    """Wait until a controller complains in these words."""

    def silent() -> list[str]:
        lines = stack.warnings()
        return [] if any(all(word in line for word in words) for line in lines) else [f"only {lines}"]

    stack.rig.wait_for(f"a warning with {words}", silent)


@pytest.mark.parametrize(
    ("hard", "message"),
    [
        ({"pods": "2"}, "requested: pods=1, used: pods=2, limited: pods=2"),
        (
            {"requests_cpu": "300m"},
            "requested: requests.cpu=500m, used: requests.cpu=250m, limited: requests.cpu=300m",
        ),
    ],
)
def test_a_quota_too_small_is_named_with_what_was_asked_used_and_allowed(
    own_stack: Run, hard: dict[str, str], message: str
) -> None:
    stack = own_stack("tight", quota(**hard))
    wait_for_warning(stack, "FailedCreate", f"exceeded quota: archesai-quota, {message}")

    def unsaid() -> list[str]:
        found = [stack.rig.api.read(item) or {} for item in stack.of_kind("Deployment")]
        failures = [
            one for item in found for one in item["status"].get("conditions", []) if one["type"] == "ReplicaFailure"
        ]
        return [] if any("exceeded quota: archesai-quota" in one["message"] for one in failures) else [str(failures)]

    stack.rig.wait_for("a Deployment that says why it has no pods", unsaid)


def test_a_claim_beyond_the_quota_is_refused_at_once(own_stack: Run) -> None:
    stack = own_stack("small", quota(requests_storage="50Gi"))
    claim = next(item for item in stack.items if item["kind"] == "PersistentVolumeClaim")
    claim["metadata"]["name"] = "another"
    claim["spec"]["resources"]["requests"]["storage"] = "60Gi"
    outcome = apply(stack.rig, [claim])
    assert "exceeded quota: archesai-quota, requested: requests.storage=60Gi" in next(iter(outcome.errors.values()))


def test_productions_quota_holds_the_most_pods_of_the_api_and_a_roll_out_of_everything(own_stack: Run) -> None:
    """An autoscaler at its maximum, and every Deployment with its surge at once."""
    shipped = shipped_config("prod")
    most = int(shipped["api"]["autoscaling"]["maxReplicas"])
    config = merged(shipped, {"api": {"autoscaling": {"minReplicas": most}}})
    stack = own_stack("full", config)
    workloads = stack.of_kind("Deployment", "StatefulSet")
    stack.wait_for_pods("archesai-api", most)
    stack.rig.wait_ready(*workloads, seconds=READY_SECONDS)
    rolled = [_rolled(item) for item in stack.of_kind("Deployment")]
    apply(stack.rig, [*rolled, *stack.jobs_of_cron_jobs()]).check()

    def unrolled() -> list[str]:
        """Deployments without their additional pod: that is the most that they have at once."""
        found = [stack.rig.api.read(item) or {} for item in rolled]
        return [
            f"{item['metadata']['name']} has not begun"
            for item in found
            if item["status"].get("observedGeneration") != item["metadata"]["generation"]
            or not item["status"].get("updatedReplicas")
        ]

    stack.rig.wait_for("a new pod of every Deployment", unrolled, seconds=READY_SECONDS)
    assert stack.refused_pods() == []


def _rolled(deployment: Object) -> Object:
    deployment["spec"]["template"]["metadata"].setdefault("annotations", {})["rolled"] = "once"
    return deployment
