"""Classes that a stack would make for its hosts, and that a real API server has from somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.doctor.server import Examination, ingress_class
from archesai_infra.cli.engine.classes import obstacles, require_free, taken
from archesai_infra.components.ingress.routes import API_VERSION
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane import fleet
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, find, render

pytestmark = pytest.mark.cluster

NAME = "taken"
INSTALL: Config = {"enabled": True, "className": NAME, "controller": {"install": True}}
GATEWAY: Config = INSTALL | {"api": "gateway", "gateway": {"className": NAME}}
K3S = {"meta.helm.sh/release-name": "traefik", "meta.helm.sh/release-namespace": "kube-system"}
OURS = {"meta.helm.sh/release-name": "traefik", "meta.helm.sh/release-namespace": "ingress"}


@pytest.fixture
def cluster(control_plane: ControlPlane, custom_resources: list[Object]) -> Iterator[Cluster]:
    assert custom_resources
    with connect(None, str(control_plane.admin_kubeconfig)) as connected:
        yield connected
    for item in (fleet.ingress_class(NAME), _gateway_class()):
        control_plane.api.delete(item)


def _ingress_class(annotations: dict[str, str]) -> Object:
    item = fleet.ingress_class(NAME)
    item["metadata"]["annotations"] = annotations
    return item


def _gateway_class() -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "GatewayClass",
        "metadata": {"name": NAME},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
    }


def _taken(cluster: Cluster, declared: Evaluation) -> list[str]:
    return taken(cluster, declared.settings, declared.stack)


def _require_free(cluster: Cluster, declared: Evaluation) -> None:
    require_free(cluster, declared.settings, declared.stack)


def _doctor(cluster: Cluster, config: Config) -> list[tuple[str, str]]:
    examination = Examination(cluster, render({"ingress": config}), datetime.now(UTC))
    return [(finding.status, finding.text) for finding in ingress_class(examination)]


def test_a_class_of_another_release_is_refused_with_its_owner_and_the_setting(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    declared = render({"ingress": INSTALL})
    _require_free(cluster, declared)
    control_plane.apply([_ingress_class(K3S)]).check()
    with pytest.raises(
        CommandError,
        match=r"taken exists and is of Helm release traefik in namespace kube-system: set ingress\.className",
    ):
        _require_free(cluster, declared)
    text = "IngressClass taken exists and is of Helm release traefik in namespace kube-system"
    assert _doctor(cluster, INSTALL) == [("problem", text)]


def test_the_class_of_the_stacks_own_release_is_no_obstacle(cluster: Cluster, control_plane: ControlPlane) -> None:
    control_plane.apply([_ingress_class(OURS)]).check()
    assert _taken(cluster, render({"ingress": INSTALL})) == []
    assert _doctor(cluster, INSTALL) == [("ok", "taken, served by the stack's own controller")]


def test_with_gitops_the_class_is_no_obstacle_for_the_engine_which_does_not_make_it(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    control_plane.apply([_ingress_class(K3S)]).check()
    declared = render({"ingress": INSTALL})
    assert obstacles(cluster, declared.settings, declared.stack)
    applied = declared.settings.model_copy(
        update={"gitops": declared.settings.gitops.model_copy(update={"enabled": True})}
    )
    assert obstacles(cluster, applied, declared.stack) == []


def test_the_control_planes_class_nginx_is_not_taken_over(cluster: Cluster) -> None:
    (problem,) = _taken(cluster, render({"ingress": INSTALL | {"className": "nginx"}}))
    assert problem.startswith("IngressClass nginx exists and is not this stack's: ")


def test_a_gateway_class_of_somebody_else_is_refused_and_the_stacks_own_is_not(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    declared = render({"ingress": GATEWAY})
    assert _taken(cluster, declared) == []
    control_plane.apply([_gateway_class()]).check()
    (problem,) = _taken(cluster, declared)
    assert "GatewayClass taken exists and is not this stack's: set ingress.gateway.className" in problem
    control_plane.api.delete(_gateway_class())
    control_plane.apply([find(declared, "GatewayClass", NAME)]).check()
    assert _taken(cluster, declared) == []


def test_without_a_controller_of_its_own_a_stack_needs_the_gateway_class_to_exist(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    config = GATEWAY | {"controller": {"namespace": "edge"}}
    assert _doctor(cluster, config)[0] == ("problem", "there is no GatewayClass taken; there are none")
    control_plane.apply([_gateway_class()]).check()
    assert _doctor(cluster, config) == [("ok", "taken")]
