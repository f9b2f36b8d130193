"""A real API server with the operator's definitions takes every monitor and rule."""

from __future__ import annotations

import pytest

from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.monitoring.stacks import EVERYTHING
from testbed.stacks import render

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("custom_resources")
def test_monitors_and_rules_are_taken_by_strict_validation(control_plane: ControlPlane, fresh_namespace: str) -> None:
    built = render(EVERYTHING | {"namespace": fresh_namespace})
    wanted = [item for item in built.objects if item["apiVersion"] == "monitoring.coreos.com/v1"]
    assert {item["kind"] for item in wanted} == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert control_plane.apply(wanted).check().warnings == {}


@pytest.mark.usefixtures("custom_resources")
def test_a_misspelt_field_of_a_monitor_is_refused(control_plane: ControlPlane, fresh_namespace: str) -> None:
    monitor: Object = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "misspelt", "namespace": fresh_namespace},
        "spec": {"selector": {}, "endpoints": [{"port": "http", "intervall": "30s"}]},
    }
    errors = control_plane.apply([monitor]).errors
    assert "intervall" in "".join(errors.values())


def test_pods_of_exporters_are_admitted_by_the_restricted_standard(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    level: Object = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": fresh_namespace,
            "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    }
    control_plane.apply([level]).check()
    exporters = {"database-exporter", "redis-exporter"}
    wanted = [
        item
        for item in render(EVERYTHING | {"namespace": fresh_namespace}).objects
        if item["metadata"]["labels"].get("app.kubernetes.io/component") in exporters
    ]
    assert {item["kind"] for item in wanted} >= {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    outcome = control_plane.apply(wanted).check()
    assert outcome.warnings == {}
    control_plane.wait_ready(*[item for item in wanted if item["kind"] == "Deployment"])
