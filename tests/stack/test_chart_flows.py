"""Who the pods of charts talk to: every namespace that a stack makes is closed but for what they need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archesai_infra.cli.engine.policy import load
from archesai_infra.kube.chart_network import DEFAULT_DENY
from archesai_infra.kube.labels import COMPONENT, NAME
from archesai_infra.stack.chart_flows import chart_network
from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.policies import Blocks, Network, Outside, Pod
from testbed.cluster.scenarios import EVERYTHING, merged
from testbed.controlplane.api import Object
from testbed.matrix import CLUSTER
from testbed.monitoring import charts
from testbed.stacks import ROOT, Config, render

API = "10.96.0.1"
KNOWN: Config = {"cluster": {"apiServer": [f"{API}/32"]}}
PODS = {
    "traefik": ("ingress", {NAME: "traefik"}),
    "cert-manager": ("cert-manager", {NAME: "cert-manager", COMPONENT: "controller"}),
    "cert-manager's webhook": ("cert-manager", {NAME: "webhook", COMPONENT: "webhook"}),
    "cainjector": ("cert-manager", {NAME: "cainjector", COMPONENT: "cainjector"}),
    "prometheus": ("monitoring", {NAME: "prometheus"}),
    "alertmanager": ("monitoring", {NAME: "alertmanager"}),
    "grafana": ("monitoring", {NAME: "grafana"}),
    "loki": ("monitoring", {NAME: "loki"}),
    "alloy": ("monitoring", {NAME: "alloy"}),
    "operator": ("monitoring", {NAME: "kube-prometheus-stack-prometheus-operator"}),
    "kube-state-metrics": ("monitoring", {NAME: "kube-state-metrics"}),
    "velero": ("velero", {NAME: "velero"}),
    "kube-dns": ("kube-system", {"k8s-app": "kube-dns"}),
    "bystander": ("elsewhere", {"app": "bystander"}),
}
OUTSIDE = {
    "internet": Outside("45.0.0.10"),
    "private": Outside("10.1.2.3"),
    "metadata": Outside("169.254.169.254"),
    "host of Azure": Outside("168.63.129.16"),
    "api server": Outside(API),
}
PORTS = (
    25,
    53,
    80,
    443,
    3000,
    3001,
    3100,
    6443,
    8000,
    8080,
    8085,
    8089,
    8443,
    9000,
    9090,
    9093,
    9100,
    9402,
    10250,
    12345,
)
ASKING = (
    "traefik",
    "cert-manager",
    "cert-manager's webhook",
    "cainjector",
    "velero",
    "prometheus",
    "alloy",
    "operator",
)
Connection = tuple[str, str, int]
EXPECTED: set[Connection] = {
    *((name, "api server", port) for name in (*ASKING, "kube-state-metrics") for port in (443, 6443)),
    *(
        (name, "kube-dns", 53)
        for name in ("cert-manager", "velero", "prometheus", "alertmanager", "grafana", "loki", "alloy")
    ),
    *(
        (name, "metadata", 53)
        for name in ("cert-manager", "velero", "prometheus", "alertmanager", "grafana", "loki", "alloy")
    ),
    *(("cert-manager", name, port) for name in ("internet", "private", "api server") for port in (80, 443)),
    *(("cert-manager", "traefik", port) for port in (80, 443, 8000, 8443)),
    *(("prometheus", name, port) for name in ("internet", "private", "api server") for port in (9100, 10250)),
    ("velero", "internet", 443),
    ("alertmanager", "internet", 443),
    ("traefik", "grafana", 3000),
    ("grafana", "prometheus", 9090),
    ("grafana", "alertmanager", 9093),
    ("grafana", "alertmanager", 8080),
    ("grafana", "loki", 3100),
    ("alloy", "loki", 3100),
    ("prometheus", "alertmanager", 9093),
    ("prometheus", "alertmanager", 8080),
    ("prometheus", "loki", 3100),
    ("prometheus", "grafana", 3000),
    ("prometheus", "alloy", 12345),
    ("prometheus", "kube-state-metrics", 8080),
    ("prometheus", "operator", 8080),
    ("prometheus", "traefik", 9100),
    ("prometheus", "cert-manager", 9402),
    ("prometheus", "velero", 8085),
}
"""Between charts' pods, and from them to what is no pod; the stack's own pods have a table of their own."""
ENTERED: set[Connection] = {
    *(("bystander", "traefik", port) for port in (8000, 8443)),
    ("bystander", "cert-manager's webhook", 10250),
}
"""What anybody reaches: a controller's ports, and the webhook that API servers call from addresses of their own."""


def pods() -> dict[str, Pod]:
    """One of each kind of pods, none at an address that a policy names."""
    return {
        name: Pod(namespace, name, labels, {"kubernetes.io/metadata.name": namespace}, f"10.244.0.{number}")
        for number, (name, (namespace, labels)) in enumerate(PODS.items(), 1)
    }


def network(evaluation: Evaluation) -> Network:
    policies = [item for item in evaluation.objects if item["kind"] == "NetworkPolicy"]
    return Network([], policies, blocks=Blocks.SPARE_PODS)


def test_charts_pods_have_these_connections_and_no_other() -> None:
    made, own = network(render(merged(EVERYTHING, KNOWN))), pods()
    charted = {name for name in own if name not in ("kube-dns", "bystander")}
    found = {
        (source, target, port)
        for source in charted
        for target, party in {**own, **OUTSIDE}.items()
        for port in PORTS
        if source != target and made.judge(own[source], party, port).allowed
    }
    # The webhook takes connections from the whole cluster, and nobody of these opens them.
    assert found == EXPECTED


def test_strangers_reach_the_ports_that_clients_and_api_servers_open_and_no_other() -> None:
    made = network(render(merged(EVERYTHING, KNOWN)))
    own = pods()
    as_pods = Network([], made.policies, blocks=Blocks.COUNT_PODS)
    found = {
        ("bystander", target, port)
        for target in own
        for port in PORTS
        if own[target].namespace not in ("kube-system", "elsewhere")
        and as_pods.judge(own["bystander"], own[target], port).enters
    }
    assert found == ENTERED


def closing(evaluation: Evaluation) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Namespaces with a default deny, and its directions."""
    for item in evaluation.objects:
        if item["kind"] == "NetworkPolicy" and item["spec"].keys() == {"podSelector", "policyTypes"}:
            yield item["metadata"]["namespace"], tuple(item["spec"]["policyTypes"])


@pytest.mark.parametrize(
    "config",
    [merged(EVERYTHING, KNOWN), merged(EVERYTHING, {"cluster": {"cilium": True}}), CLUSTER],
    ids=["addresses", "cilium", "database cluster"],
)
def test_every_namespace_that_a_stack_makes_denies_both_ways_by_default(config: Config) -> None:
    made = render(config)
    namespaces = {item["metadata"]["name"] for item in made.objects if item["kind"] == "Namespace"}
    assert dict(closing(made)) == dict.fromkeys(namespaces, ("Ingress", "Egress"))


def test_where_the_api_server_is_not_known_no_chart_is_closed_outward() -> None:
    made = dict(closing(render(EVERYTHING)))
    assert made.pop("archesai") == ("Ingress", "Egress")
    assert made == dict.fromkeys(("monitoring", "node-exporter", "velero"), ("Ingress",))


def test_with_cilium_the_api_server_and_the_nodes_are_named_by_what_they_are() -> None:
    made = render(merged(EVERYTHING, {"cluster": {"cilium": True}}))
    policies = {
        item["metadata"]["name"]: item["spec"] for item in made.objects if item["kind"] == "CiliumNetworkPolicy"
    }
    asking = {
        name
        for name, spec in policies.items()
        if "kube-apiserver" in [entity for rule in spec.get("egress", []) for entity in rule["toEntities"]]
    }
    asked = ("alloy", "cert-manager", "kube-state-metrics", "operator", "prometheus", "traefik", "velero")
    assert asking == {f"archesai-cilium-chart-{name}" for name in asked}
    callers = policies["archesai-cilium-chart-cert-manager-webhook"]["ingress"]
    assert [rule["fromEntities"] for rule in callers] == [["kube-apiserver"], ["host"], ["remote-node"]]


def test_receivers_and_data_sources_in_private_networks_are_reached_where_the_stack_file_names_them() -> None:
    private = [{"cidr": "10.20.0.0/16", "ports": [8443]}]
    named = {"monitoring": {"alerts": {"egress": private}, "grafana": {"egress": private}}}
    made, own = network(render(merged(merged(EVERYTHING, KNOWN), named))), pods()
    reached = {name for name in PODS if made.judge(own[name], Outside("10.20.0.5"), 8443).leaves}
    assert reached - {"kube-dns", "bystander"} == {"alertmanager", "grafana"}


def test_the_default_deny_comes_after_what_it_leaves_open() -> None:
    made = render(merged(EVERYTHING, KNOWN))
    (deny,) = [one for one in made.resources if one.name == f"ingress-policy-ingress-{DEFAULT_DENY}"]
    assert "ingress-policy-ingress-traefik" in {urn.rpartition("::")[2] for urn in deny.depends_on}


def _monitored(evaluation: Evaluation) -> Iterator[tuple[Object, Object, int]]:
    """Pods that charts' ServiceMonitors select, with the monitor and the number of the port."""
    made = [item for name in ("kube-prometheus-stack", "loki", "alloy") for item in charts.render(evaluation, name)]
    for monitor in (item for item in made if item["kind"] == "ServiceMonitor"):
        for service in (item for item in made if item["kind"] == "Service" and _selects(monitor, item)):
            for workload in (item for item in made if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet")):
                template = workload["spec"]["template"]
                if service["spec"]["selector"].items() <= template["metadata"]["labels"].items():
                    named = {port["name"]: port for port in service["spec"]["ports"]}
                    yield from (
                        (monitor, template, _number(template, named[endpoint["port"]]["targetPort"]))
                        for endpoint in monitor["spec"]["endpoints"]
                        if endpoint["port"] in named
                    )


def _selects(monitor: Object, service: Object) -> bool:
    return monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def _number(template: Object, port: int | str) -> int:
    listed = [one for container in template["spec"]["containers"] for one in container.get("ports", [])]
    return port if isinstance(port, int) else next(one["containerPort"] for one in listed if one["name"] == port)


def test_prometheus_reaches_every_port_that_the_charts_monitors_select() -> None:
    evaluation = render(merged(EVERYTHING, KNOWN))
    made, prometheus = network(evaluation), pods()["prometheus"]
    checked: set[str] = set()
    for monitor, template, port in _monitored(evaluation):
        if template["spec"].get("hostNetwork"):
            continue
        labels = template["metadata"]["labels"]
        target = Pod("monitoring", "target", labels, {"kubernetes.io/metadata.name": "monitoring"}, "10.244.9.9")
        name = monitor["metadata"]["name"]
        assert made.judge(prometheus, target, port).allowed, (name, port)
        checked.add(name)
    assert {"alloy", "kube-prometheus-stack-operator", "kube-prometheus-stack-kube-state-metrics", "loki"} <= checked


def test_every_pod_of_a_charts_flow_has_a_name_of_its_own() -> None:
    settings = render(merged(EVERYTHING, KNOWN)).settings
    parts = [one.part for one in chart_network(settings, "prod").pods]
    assert len(parts) == len(set(parts))


def test_the_policy_pack_takes_the_objects_of_a_stack_whose_charts_are_closed() -> None:
    both = {"cluster": {"cilium": True, "apiServer": [f"{API}/32"]}}
    objects = render(merged(EVERYTHING, both)).objects
    checks = load(ROOT).CHECKS.values()
    assert [(item["metadata"]["name"], found) for item in objects for check in checks for found in check(item)] == []
