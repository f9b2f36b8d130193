from __future__ import annotations

from testbed.components.parts import container, logical_names, template, variables
from testbed.matrix import ON
from testbed.stacks import find, render

NAME = "archesai-platform"


def test_the_platform_reaches_the_api_by_its_service() -> None:
    assert variables(container(render(), "Deployment", NAME)) == {
        "ARCHES_SERVER_HOST": "archesai-api:3001",
        "NO_UPDATE_CHECK": "1",
    }


def test_the_platform_listens_where_its_service_leads() -> None:
    server = container(render(), "Deployment", NAME)
    assert server["command"] == ["serve", "-s", "/app/dist", "-l", "3000"]
    assert server["ports"] == [{"name": "http", "containerPort": 3000}]
    (port,) = find(render(), "Service", NAME)["spec"]["ports"]
    assert port["targetPort"] == 3000


def test_the_platform_leaves_the_endpoints_before_it_stops() -> None:
    hook = container(render(), "Deployment", NAME)["lifecycle"]["preStop"]["exec"]["command"]
    assert hook == ["/bin/sh", "-c", "sleep 5"]
    assert template(render(), "Deployment", NAME)["spec"]["terminationGracePeriodSeconds"] > 5


def test_an_autoscaler_owns_the_number_of_pods() -> None:
    stack = render({"platform": {"autoscaling": ON | {"minReplicas": 2, "cpu": 50}}})
    assert "replicas" not in find(stack, "Deployment", NAME)["spec"]
    spec = find(stack, "HorizontalPodAutoscaler", NAME)["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    assert spec["metrics"][0]["containerResource"]["target"]["averageUtilization"] == 50


def test_a_process_on_the_host_takes_the_place_of_the_pods() -> None:
    stack = render({"platform": {"runOnHost": {"ip": "172.18.0.1", "port": 5173}}})
    assert logical_names(stack, "platform") == {"platform", "platform-service", "platform-host-endpoints"}
    assert find(stack, "EndpointSlice", f"{NAME}-host")["ports"][0]["port"] == 5173


def test_an_api_on_the_host_is_reached_by_its_service_and_let_out_to_its_address() -> None:
    stack = render({"api": {"runOnHost": {"ip": "172.18.0.1", "port": 4001}}})
    assert variables(container(stack, "Deployment", NAME))["ARCHES_SERVER_HOST"] == "archesai-api:3001"
    (rule,) = find(stack, "NetworkPolicy", NAME)["spec"]["egress"]
    assert rule == {
        "to": [{"ipBlock": {"cidr": "172.18.0.1/32"}}],
        "ports": [{"protocol": "TCP", "port": 4001}],
    }
