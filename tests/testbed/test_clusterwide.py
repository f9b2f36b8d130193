"""Objects outside namespaces on the control plane that tests share."""

from __future__ import annotations

import pytest

from testbed.cluster.scenarios import SCENARIOS, priority_class
from testbed.controlplane import fleet
from testbed.controlplane.clusterwide import KINDS, ClusterWide
from testbed.controlplane.rig import ControlPlane

GO_BY_NAME = {"Namespace", "CustomResourceDefinition"}


@pytest.mark.cluster
def test_a_reset_deletes_what_came_and_brings_back_what_went(control_plane: ControlPlane) -> None:
    stays, comes = priority_class("stays", 7), priority_class("comes", 7)
    control_plane.apply([stays]).check()
    start = ClusterWide(control_plane.api)
    given = fleet.ingress_class(fleet.INGRESS_CLASS)
    control_plane.apply([comes]).check()
    control_plane.api.delete(given)
    control_plane.apply([given | {"spec": {"controller": "tests/another"}}]).check()

    start.reset()

    assert control_plane.api.read(comes) is None
    assert control_plane.api.read(stays) is not None
    found = control_plane.api.read(given)
    assert found is not None
    assert found["spec"]["controller"] == given["spec"]["controller"]


def test_every_kind_outside_namespaces_that_a_stack_declares_is_reset() -> None:
    for scenario in SCENARIOS.values():
        declared = [*scenario.evaluation().objects, *scenario.others]
        outside = {item["kind"] for item in declared if "namespace" not in item["metadata"]}
        assert outside <= {kind for _, kind in KINDS} | GO_BY_NAME
