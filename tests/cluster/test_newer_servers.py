"""What a stack uses of newer Kubernetes, kept by a real API server as it was asked for."""

from __future__ import annotations

import pytest

from archesai_infra.stack.config import ConfigError
from testbed.cluster.deployed import Deployed
from testbed.controlplane.api import Object
from testbed.stacks import Config, find, render
from tests.cluster.conftest import Run

ON: Config = {"enabled": True}
MODULES: Config = {"environment": "development", "scraper": ON, "unstructured": ON, "redis": ON}
SAME_ZONE: Config = MODULES | {"cluster": {"sameZone": True}}
NEWER: Config = MODULES | {
    "cluster": {"sameZone": True, "kubernetesVersion": "1.36"},
    "security": {"userNamespaces": True},
    "api": {"autoscaling": ON | {"tolerance": 5}},
}
ALIKE = {"archesai-api", "archesai-platform", "archesai-scraper", "archesai-unstructured"}


def _held(stack: Deployed, kind: str) -> dict[str, Object]:
    """Specs of the stack's objects of a kind, as the server has them."""
    found = (stack.rig.api.read(item) for item in stack.of_kind(kind))
    return {item["metadata"]["name"]: item["spec"] for item in found if item}


def _distributions(stack: Deployed) -> dict[str, str]:
    services = _held(stack, "Service")
    return {name: spec["trafficDistribution"] for name, spec in services.items() if "trafficDistribution" in spec}


@pytest.mark.cluster
def test_a_server_keeps_what_a_stack_uses_of_its_version(own_stack: Run) -> None:
    stack = own_stack("newer", NEWER)
    assert stack.outcome.warnings == {}
    assert _distributions(stack) == dict.fromkeys(ALIKE, "PreferSameZone")
    behavior = _held(stack, "HorizontalPodAutoscaler")["archesai-api"]["behavior"]
    assert (behavior["scaleUp"]["tolerance"], behavior["scaleDown"]["tolerance"]) == ("50m", "50m")
    for name, spec in _held(stack, "Deployment").items():
        assert spec["template"]["spec"]["hostUsers"] is False, name
    assert all("hostUsers" not in spec["template"]["spec"] for spec in _held(stack, "StatefulSet").values())


@pytest.mark.cluster
def test_the_oldest_servers_name_of_the_same_zone_is_still_taken(own_stack: Run) -> None:
    stack = own_stack("oldest", SAME_ZONE)
    warned = {line for lines in stack.outcome.warnings.values() for line in lines}
    assert warned == {'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'}
    assert _distributions(stack) == dict.fromkeys(ALIKE, "PreferClose")


def test_without_the_settings_no_field_of_newer_servers_is_rendered() -> None:
    stack = render(MODULES | {"api": {"autoscaling": ON}})
    assert "trafficDistribution" not in find(stack, "Service", "archesai-api")["spec"]
    assert "hostUsers" not in find(stack, "Deployment", "archesai-api")["spec"]["template"]["spec"]
    assert set(find(stack, "HorizontalPodAutoscaler", "archesai-api")["spec"]["behavior"]) == {"scaleDown"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"api": {"autoscaling": ON | {"tolerance": 5}}},
            r"api\.autoscaling\.tolerance: needs Kubernetes 1\.35: set cluster\.kubernetesVersion",
        ),
        ({"cluster": {"kubernetesVersion": "1.33"}}, "must be a minor version from 1.34 on"),
        ({"cluster": {"kubernetesVersion": 1.36}}, "is a number to YAML: write it in quotes"),
    ],
    ids=["a field that the server drops", "a server that is too old", "a number that loses its zeros"],
)
def test_what_the_servers_do_not_have_is_refused(config: Config, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        render(config)
