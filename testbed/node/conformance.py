"""Gateway API's conformance tests against the real Traefik, with the arguments and rights that a stack gives it.

Traefik's entry points have the ports of the tests' Gateways. The tests run on a node, where a Service's address leads
to its pods.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from archesai_infra.components.ingress.chart import chart_values
from archesai_infra.components.ingress.gateway import CONTROLLERS
from archesai_infra.components.ingress.rights import cluster_rules, namespace_rules
from archesai_infra.components.ingress.routes import API_VERSION
from archesai_infra.components.ingress.settings import IngressSettings
from testbed.cluster import traefik
from testbed.controlplane import crds
from testbed.controlplane.api import Object
from testbed.node import layout
from testbed.node.rig import Nodes
from testbed.programs import parts

HOME = "gateway-conformance"
"""Namespace of the controller, and name of everything that is in none."""
NAMESPACES = ("gateway-conformance-infra", "gateway-conformance-app-backend", "gateway-conformance-web-backend")
"""Those that the tests make; the controller has rights there before."""
ADDRESS = "10.96.0.80"
"""Address of the controller's Service, which Gateways get."""
PORTS = {"web": 80, "websecure": 443, "web8080": 8080}
ECHO_IMAGES = ("v1.5.1", "v1.6.0-dev.3")
"""Tags of the tests' server; both are made of the pinned module."""
FEATURES = ("Gateway", "HTTPRoute", "ReferenceGrant", "HTTPRouteSchemeRedirect", "HTTPRouteBackendProtocolWebSocket")
"""What the objects of a stack use, and what is core."""
SKIPPED = ("HTTPRouteMultipleGateways",)
"""Traefik's own run leaves it out too: all Gateways share its entry points, and so their routes."""
GROUPS = ("gateway.networking.k8s.io", "traefik.io")
RUN_SECONDS = 900.0
_RESULT = re.compile(r"^    --- (PASS|FAIL|SKIP): Conformance/(\w+)", re.MULTILINE)


def run(nodes: Nodes) -> subprocess.CompletedProcess[str]:
    """Run the tests of the features on a node; `controller` has to run."""
    program = parts.executables(parts.GATEWAY_CONFORMANCE)[parts.GATEWAY_CONFORMANCE]
    kubeconfig = f"KUBECONFIG={nodes.inner_kubeconfig}"
    flags = {
        "test.v": "true",
        "gateway-class": HOME,
        "supported-features": ",".join(FEATURES),
        "skip-tests": ",".join(SKIPPED),
        "cleanup-base-resources": "false",
    }
    given = [f"-{name}={value}" for name, value in flags.items()]
    return nodes.in_node(layout.node_name(1), "env", kubeconfig, str(program), *given, seconds=RUN_SECONDS)


def results(output: str) -> dict[str, str]:
    """`PASS`, `FAIL` or `SKIP` by the name of each test."""
    return {name: result for result, name in _RESULT.findall(output)}


@contextmanager
def controller(nodes: Nodes) -> Generator[None]:
    """Run the controller, with the definitions and images that it and the tests need, until the end of the block."""
    programs = parts.executables("traefik", parts.GATEWAY_CONFORMANCE, "pause")
    nodes.add_image(_image(), programs["traefik"], user="65532:65532")
    # Every test waits until each pod is ready, that of the tests over UDP too, which are left out.
    nodes.add_image("registry.k8s.io/coredns/coredns:v1.12.2", programs["pause"], user="65535:65535")
    for tag in ECHO_IMAGES:
        nodes.add_image(f"registry.k8s.io/gateway-api/echo-basic:{tag}", programs["echo-basic"], user="65532:65532")
    definitions = [one for group in GROUPS for one in crds.custom_resource_definitions(group)]
    made = [*definitions, *_objects()]
    try:
        nodes.apply(definitions).check()
        nodes.wait_ready(*definitions)
        nodes.apply(_objects()).check()
        nodes.wait_ready(*(one for one in made if one["kind"] == "Deployment"))
        yield
    finally:
        for one in reversed(made):
            nodes.api.delete(one)
        # Namespaces go in their own time; what belongs to the whole cluster has to be gone before the next test.
        nodes.wait_gone(*definitions)


def _settings() -> IngressSettings:
    controlled = {"install": True, "namespace": HOME, "serviceType": "ClusterIP"}
    gateway = {"className": HOME}
    return IngressSettings.model_validate(
        {"enabled": True, "api": "gateway", "gateway": gateway, "controller": controlled}
    )


def _image() -> str:
    return f"local.test/traefik:{parts.catalogue()['traefik'].version}"


def _objects() -> list[Object]:
    settings = _settings()
    named: Object = {"name": HOME}
    subjects = [{"kind": "ServiceAccount", "name": HOME, "namespace": HOME}]
    found = [_object("v1", "Namespace", {"name": name}) for name in (HOME, *NAMESPACES)]
    for kind, namespaces, rules in (
        ("ClusterRole", (None,), cluster_rules(settings)),
        ("Role", (HOME, *NAMESPACES), namespace_rules(settings)),
    ):
        for namespace in namespaces:
            metadata = named | ({"namespace": namespace} if namespace else {})
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": HOME}
            found.append(_object("rbac.authorization.k8s.io/v1", kind, metadata, rules=[_rule(one) for one in rules]))
            bound = _object("rbac.authorization.k8s.io/v1", f"{kind}Binding", metadata, subjects=subjects)
            found.append(bound | {"roleRef": reference})
    local = named | {"namespace": HOME}
    ports = [{"name": name, "port": port} for name, port in PORTS.items()]
    service = {"clusterIP": ADDRESS, "selector": {"app": HOME}, "ports": ports}
    found += [
        _object("v1", "ServiceAccount", local),
        _object("v1", "Service", local, spec=service),
        _object("apps/v1", "Deployment", local, spec=_deployment(settings)),
        _object(API_VERSION, "GatewayClass", named, spec={"controllerName": CONTROLLERS["traefik"]}),
    ]
    return found


def _deployment(settings: IngressSettings) -> Object:
    values = chart_values(settings, None, NAMESPACES)
    arguments = [f"--entrypoints.{name}.address=:{port}" for name, port in PORTS.items()]
    arguments += traefik.providers(values, HOME)
    arguments += [f"--providers.kubernetesgateway.statusaddress.ip={ADDRESS}", *values["additionalArguments"]]
    container = {"name": "traefik", "image": _image(), "args": arguments}
    selected = {"app": HOME}
    template = {
        "metadata": {"labels": selected},
        "spec": {"serviceAccountName": HOME, "containers": [container]},
    }
    return {"selector": {"matchLabels": selected}, "template": template}


def _rule(rule: PolicyRuleArgsDict) -> Object:
    """As the API server has it; the program hands the same words to the SDK in its own spelling."""
    return {"apiGroups": rule.get("api_groups"), "resources": rule.get("resources"), "verbs": rule["verbs"]}


def _object(version: str, kind: str, metadata: Object, **rest: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
