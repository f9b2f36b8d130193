"""Hosts by Gateway API, held to the real definitions by a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.policies import Blocks, Network, Pod
from testbed.components.parts import depends_on, logical_names, resource
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import ISSUER, ON, TLS
from testbed.stacks import find, render

INSTALL = {"install": True}
MONITORED = {"enabled": True}


def stack(**settings: Any) -> Evaluation:  # noqa: ANN401 - settings as in a stack file
    ingress = ON | {"api": "gateway", "hosts": {"grafana": "grafana"}} | settings
    return render({"domain": "example.com", "storage": ON, "monitoring": MONITORED, "ingress": ingress})


def kinds(evaluation: Evaluation) -> set[str]:
    return {item["kind"] for item in evaluation.objects}


def test_each_host_has_a_listener_with_its_certificate() -> None:
    made = stack(tls=TLS, controller=INSTALL)
    gateway = find(made, "Gateway", "archesai-gateway")
    assert gateway["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt-prod"}
    assert gateway["spec"]["gatewayClassName"] == "traefik"
    listeners = {item["name"]: item for item in gateway["spec"]["listeners"]}
    assert set(listeners) == {"http", "https-api", "https-platform", "https-grafana"}
    assert (listeners["http"]["port"], listeners["https-api"]["port"]) == (8000, 8443)
    assert listeners["https-api"]["hostname"] == "api.example.com"
    assert listeners["https-api"]["tls"] == {"mode": "Terminate", "certificateRefs": [{"name": "archesai-api-tls"}]}
    values = listeners["https-grafana"]["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"][0]["values"]
    assert values == ["archesai", "monitoring"]
    assert "Ingress" not in kinds(made)


def test_pulumi_waits_until_a_controller_accepts_the_gateway() -> None:
    annotations = resource(stack(), "ingress-gateway").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == "condition=Accepted"


def test_a_route_leads_a_host_to_its_service_through_our_middlewares() -> None:
    spec = find(stack(tls=TLS, controller=INSTALL), "HTTPRoute", "archesai-api")["spec"]
    assert spec["parentRefs"] == [{"name": "archesai-gateway", "namespace": "archesai", "sectionName": "https-api"}]
    assert spec["hostnames"] == ["api.example.com"]
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": "archesai-api", "port": 3001}]
    assert [item["extensionRef"]["name"] for item in rule["filters"]] == [
        "archesai-rate-limit",
        "archesai-headers",
        "archesai-compress",
    ]
    for item in rule["filters"]:
        assert find(stack(tls=TLS, controller=INSTALL), "Middleware", item["extensionRef"]["name"])


def test_grafanas_route_is_beside_grafana() -> None:
    route = find(stack(tls=TLS, controller=INSTALL), "HTTPRoute", "archesai-grafana")
    assert route["metadata"]["namespace"] == "monitoring"
    assert route["spec"]["parentRefs"][0]["namespace"] == "archesai"


def test_plain_requests_are_redirected_only_where_there_is_https() -> None:
    redirect = find(stack(tls=TLS), "HTTPRoute", "archesai-redirect")["spec"]
    assert redirect["parentRefs"][0]["sectionName"] == "http"
    assert redirect["hostnames"] == ["api.example.com", "platform.example.com", "grafana.example.com"]
    assert "backendRefs" not in redirect["rules"][0]
    plain = stack()
    assert "ingress-route-redirect" not in logical_names(plain)
    assert find(plain, "HTTPRoute", "archesai-api")["spec"]["parentRefs"][0]["sectionName"] == "http"


def test_hosts_are_proved_through_the_gateway() -> None:
    made = stack(tls=TLS, clusterIssuer=ISSUER, certManager=INSTALL, controller=INSTALL)
    (solver,) = find(made, "ClusterIssuer", "letsencrypt-prod")["spec"]["acme"]["solvers"]
    parent = {"name": "archesai-gateway", "namespace": "archesai", "kind": "Gateway", "sectionName": "http"}
    assert solver == {"http01": {"gatewayHTTPRoute": {"parentRefs": [parent], "serviceType": "ClusterIP"}}}
    assert resource(made, "ingress-cert-manager").inputs["values"]["config"]["gatewayAPI"] == {"enabled": True}


def test_our_controller_serves_the_gateway_and_makes_no_class_of_ingress() -> None:
    made = stack(tls=TLS, controller=INSTALL)
    values = resource(made, "ingress-traefik").inputs["values"]
    assert values["providers"]["kubernetesGateway"] == {
        "enabled": True,
        "namespaces": ["archesai", "monitoring", "ingress"],
    }
    assert values["gateway"] == values["gatewayClass"] == {"enabled": False}
    assert values["ingressClass"]["enabled"] is False
    assert "ports" not in values
    assert find(made, "GatewayClass", "traefik")["spec"] == {"controllerName": "traefik.io/gateway-controller"}
    assert "GatewayClass" not in kinds(stack(tls=TLS))


def test_definitions_are_there_before_what_looks_for_them() -> None:
    made = stack(
        tls=TLS, controller=INSTALL, certManager=INSTALL, clusterIssuer=ISSUER, gateway={"installDefinitions": True}
    )
    values = resource(made, "ingress-gateway-api").inputs["values"]
    assert values["crds"]["gatewayAPI"] == {"enabled": True, "channel": "standard"}
    for later in ("ingress-traefik", "ingress-cert-manager", "ingress-gateway"):
        assert "ingress-gateway-api" in depends_on(made, later), later
    assert "ingress-gateway-api" not in logical_names(stack(controller=INSTALL))


def test_both_apis_serve_one_host_while_clients_move() -> None:
    made = stack(tls=TLS, api="both", className="traefik", controller=INSTALL)
    assert {"Ingress", "HTTPRoute"} <= kinds(made)
    assert find(made, "Ingress", "archesai-api")["spec"]["rules"][0]["host"] == "api.example.com"
    providers = resource(made, "ingress-traefik").inputs["values"]["providers"]
    assert providers["kubernetesGateway"] == {
        "enabled": True,
        "namespaces": ["archesai", "monitoring", "ingress"],
    }
    assert providers["kubernetesIngress"]["enabled"] is True


ENVOY = {"className": "envoy", "implementation": "envoy"}


def test_envoy_gets_the_same_in_its_own_words() -> None:
    made = stack(tls=TLS, gateway=ENVOY, rateLimit=None, bodySize="20Mi", timeouts={"read": 900})
    listeners = find(made, "Gateway", "archesai-gateway")["spec"]["listeners"]
    assert [item["port"] for item in listeners] == [80, 443, 443, 443]
    (rule,) = find(made, "HTTPRoute", "archesai-api")["spec"]["rules"]
    headers = {item["name"]: item["value"] for item in rule["filters"][0]["responseHeaderModifier"]["set"]}
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert rule["timeouts"] == {"request": "0s"}
    policy = find(made, "BackendTrafficPolicy", "archesai-api")["spec"]
    assert policy["requestBuffer"] == {"limit": "20Mi"}
    assert policy["timeout"] == {"http": {"connectionIdleTimeout": "900s"}}
    assert policy["targetRefs"][0]["name"] == "archesai-api"
    beside_grafana = find(made, "BackendTrafficPolicy", "archesai-grafana")
    assert beside_grafana["metadata"]["namespace"] == "monitoring"
    assert beside_grafana["spec"]["targetRefs"][0]["name"] == "archesai-grafana"
    assert "Middleware" not in kinds(made)


@pytest.mark.parametrize("blocks", Blocks, ids=lambda blocks: blocks.value)
def test_envoys_proxies_get_in_and_no_other_pod_beside_them(blocks: Blocks) -> None:
    made = stack(gateway=ENVOY, rateLimit=None)
    labels = find(made, "Deployment", "archesai-api")["spec"]["template"]["metadata"]["labels"]
    api = Pod("archesai", "api", labels, {"kubernetes.io/metadata.name": "archesai"}, "10.244.0.1")
    system = {"kubernetes.io/metadata.name": "envoy-gateway-system"}
    owned = {"gateway.envoyproxy.io/owning-gateway-name": "archesai-gateway"}
    envoy = Pod("envoy-gateway-system", "envoy", owned, system, "10.244.0.2")
    other = Pod("envoy-gateway-system", "other", {}, system, "10.244.0.3")
    policies = [item for item in made.objects if item["kind"] == "NetworkPolicy"]
    network = Network([api, envoy, other], policies, blocks=blocks)
    assert network.judge(envoy, api, 3001).enters
    assert not network.judge(other, api, 3001).enters


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "our Traefik for another's class": ({"controller": INSTALL, "gateway": ENVOY}, "controller.install is Traefik"),
    "a body size that would stop streams": ({"bodySize": "1Mi"}, "bodySize cannot be expressed .* holds every answer"),
    "a rate limit for Envoy": (
        {"gateway": ENVOY, "rateLimit": {"burst": 30}},
        "rateLimit cannot be expressed for gateway.implementation envoy: use traefik",
    ),
    "a timeout for Traefik": (
        {"timeouts": {"read": 60}},
        "timeouts.read cannot be expressed for gateway.implementation traefik",
    ),
    "somebody who is not named": (
        {"gateway": {"className": "cilium", "implementation": "other"}},
        r"class cilium does not tell who lets requests in: .*gateway.pods with Gateway API",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_gateway_api_cannot_do_is_refused_with_the_reason(fault: str) -> None:
    settings, message = REFUSED[fault]
    with pytest.raises(ConfigError, match=message):
        stack(**settings)


FORMS: dict[str, dict[str, Any]] = {
    "our Traefik with issuer": {"tls": TLS, "controller": INSTALL},
    "an existing Traefik with a Secret": {"tls": {"enabled": True, "existingSecret": "theirs"}},
    "plain": {"rateLimit": None},
    "Envoy Gateway": {"tls": TLS, "gateway": ENVOY, "rateLimit": None},
    "both": {"tls": TLS, "api": "both", "className": "traefik", "controller": INSTALL},
    "behind proxies": {"controller": INSTALL | {"trustedProxies": ["10.0.0.0/8"]}},
}
GATEWAY_KINDS = {"GatewayClass", "Gateway", "HTTPRoute", "Middleware", "BackendTrafficPolicy"}


@pytest.mark.cluster
@pytest.mark.parametrize("form", FORMS)
def test_the_real_definitions_accept_every_form(
    form: str, control_plane: ControlPlane, custom_resources: list[Object], fresh_namespace: str
) -> None:
    assert custom_resources
    items = [item for item in stack(**FORMS[form]).objects if item["kind"] in GATEWAY_KINDS]
    assert {"Gateway", "HTTPRoute"} <= {item["kind"] for item in items}
    for item in items:
        if "namespace" in item["metadata"]:
            item["metadata"] = item["metadata"] | {"namespace": fresh_namespace}
    outcome = control_plane.apply(items).check()
    assert outcome.warnings == {}
    for item in items:
        if item["kind"] == "GatewayClass":
            control_plane.api.delete(item)


def broken(change: Object) -> Object:
    route = find(stack(tls=TLS), "HTTPRoute", "archesai-redirect")
    route["spec"]["rules"][0] |= change
    return route


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backendRefs": [{"name": "archesai-api", "port": 3001}]}, "RequestRedirect"),
        ({"timeout": {"request": "1s"}}, "timeout"),
    ],
    ids=["a redirect with a backend", "an unknown field"],
)
def test_the_real_definitions_refuse_what_the_rules_forbid(
    change: Object,
    message: str,
    control_plane: ControlPlane,
    custom_resources: list[Object],
    fresh_namespace: str,
) -> None:
    assert custom_resources
    route = broken(change)
    route["metadata"]["namespace"] = fresh_namespace
    errors = control_plane.apply([route]).errors
    assert len(errors) == 1
    assert message in "".join(errors.values())
