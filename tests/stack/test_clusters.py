"""The rendered policies on clusters as people have them: what resolves names, and what lets requests in."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.parties import OUTSIDE
from testbed.cluster.policies import Blocks, Network, Outside, Party, Pod
from testbed.cluster.scenarios import SCENARIOS
from testbed.stacks import Config, find, render

plugins = pytest.mark.parametrize("blocks", Blocks, ids=lambda blocks: blocks.value)


def pod(namespace: str, name: str, address: str, **labels: str) -> Pod:
    """A pod of somebody else; `_` in a label's name stands for `-`."""
    named = {key.replace("_", "-"): value for key, value in labels.items()}
    return Pod(namespace, name, named, {"kubernetes.io/metadata.name": namespace}, address)


COREDNS = pod("kube-system", "coredns", "10.244.0.10", k8s_app="kube-dns")
IPV6 = pod("kube-system", "coredns", "fd00:10:244::a", k8s_app="kube-dns")
CACHE = pod("kube-system", "cache", "10.244.0.11", k8s_app="node-local-dns")
OPENSHIFT = Pod(
    "openshift-dns",
    "dns-default",
    {"dns.operator.openshift.io/daemonset-dns": "default"},
    {"kubernetes.io/metadata.name": "openshift-dns"},
    "10.128.0.10",
)
RESOLVERS: dict[str, tuple[Party, int]] = {
    "kubeadm, EKS, AKS, k3s and GKE's kube-dns": (COREDNS, 53),
    "the same over IPv6": (IPV6, 53),
    "the Kubernetes add-on, GKE's NodeLocal DNSCache": (Outside("169.254.20.10"), 53),
    "the same on kubeadm's Service address": (Outside("10.96.0.10"), 53),
    "GKE's NodeLocal DNSCache with Dataplane V2": (CACHE, 53),
    "GKE's NodeLocal DNSCache on the Service's address": (Outside("34.118.224.10"), 53),
    "Cloud DNS for GKE": (Outside("169.254.169.254"), 53),
    "EKS Auto Mode": (Outside("10.100.0.10"), 53),
    "EKS Auto Mode in a network of 10.0.0.0/8": (Outside("172.20.0.10"), 53),
    "AKS LocalDNS": (Outside("169.254.10.11"), 53),
    "OpenShift": (OPENSHIFT, 5353),
    "Gardener": (COREDNS, 8053),
    "Gardener's cache": (Outside("100.64.0.10"), 53),
    "kubespray": (Outside("169.254.25.10"), 53),
}


def network(evaluation: Evaluation, blocks: Blocks) -> tuple[Network, dict[str, Pod]]:
    """The stack's policies, and a pod of each of its workloads by component."""
    namespace = evaluation.settings.namespace
    own: dict[str, Pod] = {}
    for index, item in enumerate(evaluation.objects):
        template: dict[str, Any] | None = item.get("spec", {}).get("template")
        if template and item["metadata"].get("namespace") == namespace:
            labels = template["metadata"]["labels"]
            component = labels["app.kubernetes.io/component"]
            home = {"kubernetes.io/metadata.name": namespace}
            own[component] = Pod(namespace, component, labels, home, f"10.244.1.{index}")
    policies = [item for item in evaluation.objects if item["kind"] == "NetworkPolicy"]
    return Network(list(own.values()), policies, blocks=blocks), own


def api_of(config: Config | None, blocks: Blocks) -> tuple[Network, Pod]:
    made, own = network(render(config), blocks)
    return made, own["api"]


@plugins
@pytest.mark.parametrize("cluster", RESOLVERS)
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_pods_resolve_names_on_this_cluster_without_a_setting(cluster: str, protocol: str, blocks: Blocks) -> None:
    made, api = api_of(None, blocks)
    resolver, port = RESOLVERS[cluster]
    assert made.judge(api, resolver, port, protocol).leaves


@plugins
@pytest.mark.parametrize("port", [80, 8080, 988, 5353, 8053, 22])
@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.169.253", "169.254.170.2", "fd00:ec2::254"])
def test_the_metadata_address_is_shut_but_for_names(address: str, port: int, blocks: Blocks) -> None:
    asking = {"api": {"kubernetesAccess": True}, "cluster": {"apiServer": ["10.96.0.1/32"]}}
    config = asking | {"scraper": {"enabled": True}}
    made, own = network(render(config), blocks)
    for source in own.values():
        assert not made.judge(source, Outside(address), port).leaves, source.name
        assert not made.judge(source, Outside(address), 443).leaves, source.name


@plugins
@pytest.mark.parametrize("stranger", [pod("kube-system", "other", "10.244.0.12"), Outside("10.96.0.11")])
def test_nobody_else_is_asked_for_names(stranger: Party, blocks: Blocks) -> None:
    made, api = api_of(None, blocks)
    assert not made.judge(api, stranger, 53, "UDP").leaves
    assert not made.judge(api, COREDNS, 9153).leaves


@plugins
def test_another_resolver_can_be_set(blocks: Blocks) -> None:
    dns = {"peers": [{"namespace": "dns", "podLabels": {"app": "unbound"}}], "ports": [1053], "cidrs": ["fd00::a/128"]}
    made, api = api_of({"security": {"dns": dns}}, blocks)
    unbound = pod("dns", "unbound", "10.244.0.13", app="unbound")
    assert made.judge(api, unbound, 1053, "UDP").leaves
    assert made.judge(api, Outside("fd00::a"), 53, "UDP").leaves
    assert not made.judge(api, COREDNS, 53, "UDP").leaves
    assert not made.judge(api, Outside("fd00::a"), 1053, "UDP").leaves


NAME = "app.kubernetes.io/name"
OWNING_GATEWAY = "gateway.envoyproxy.io/owning-gateway-name"
HOSTS: Config = {"domain": "example.com", "monitoring": {"enabled": True}}
GCE: Config = {"enabled": True, "className": "gce", "controller": {"cidrs": ["130.211.0.0/22", "35.191.0.0/16"]}}
FRONT_DOORS: dict[str, tuple[Config, list[Party], list[Party]]] = {
    "a controller of pods": (
        {"enabled": True, "className": "haproxy", "controller": {"namespace": "edge", "podLabels": {"app": "haproxy"}}},
        [pod("edge", "haproxy", "10.244.2.1", app="haproxy")],
        [pod("edge", "other", "10.244.2.2"), pod("strangers", "haproxy", "10.244.2.3", app="haproxy")],
    ),
    "GCE's load balancer": (GCE, [Outside("130.211.1.9"), Outside("35.191.4.4")], [Outside("203.0.113.1")]),
    "an ALB with targets that are pods": (
        {"enabled": True, "className": "alb", "controller": {"cidrs": ["10.0.0.0/20", "2001:db8:1::/64"]}},
        [Outside("10.0.3.7"), Outside("2001:db8:1::9")],
        [Outside("10.1.0.1"), Outside("2001:db8:2::9")],
    ),
    "ingress-nginx": (
        {"enabled": True},
        [pod("ingress-nginx", "c", "10.244.2.5", **{NAME: "ingress-nginx"})],
        [pod("ingress-nginx", "other", "10.244.2.6"), pod("traefik", "t", "10.244.2.4", **{NAME: "traefik"})],
    ),
    "the controller that the stack installs": (
        {"enabled": True, "controller": {"install": True}},
        [pod("ingress", "t", "10.244.2.7", **{NAME: "traefik"})],
        [pod("ingress-nginx", "c", "10.244.2.5", **{NAME: "ingress-nginx"})],
    ),
    "k3s' Traefik": (
        {"enabled": True, "className": "traefik", "controller": {"namespace": "kube-system"}},
        [pod("kube-system", "t", "10.42.0.8", **{NAME: "traefik"})],
        [COREDNS, pod("traefik", "t", "10.42.0.9", **{NAME: "traefik"})],
    ),
    "Envoy Gateway": (
        {"enabled": True, "api": "gateway", "gateway": {"className": "envoy", "implementation": "envoy"}},
        [pod("envoy-gateway-system", "e", "10.244.2.8", **{OWNING_GATEWAY: "archesai-gateway"})],
        [pod("envoy-gateway-system", "e", "10.244.2.9", **{OWNING_GATEWAY: "another"})],
    ),
    "a controller on the nodes' network of both families": (
        {"enabled": True, "className": "haproxy", "controller": {"cidrs": ["192.168.7.0/24", "fd00:7::/64"]}},
        [Outside("192.168.7.4"), Outside("fd00:7::4")],
        [Outside("192.168.8.4"), Outside("fd00:8::4")],
    ),
    "traefik on the nodes' network": (
        {"enabled": True, "className": "traefik", "controller": {"cidrs": ["192.168.7.0/24"]}},
        [Outside("192.168.7.4")],
        [Outside("192.168.8.4"), pod("traefik", "t", "10.244.2.4", **{"app.kubernetes.io/name": "traefik"})],
    ),
}


@plugins
@pytest.mark.parametrize("door", FRONT_DOORS)
def test_just_the_front_door_gets_in(door: str, blocks: Blocks) -> None:
    ingress, welcome, strangers = FRONT_DOORS[door]
    issuer = {"tls": {"enabled": True, "issuer": "letsencrypt-prod"}}
    evaluation = render(HOSTS | {"ingress": ingress | issuer | {"hosts": {"grafana": "grafana"}}})
    made, own = network(evaluation, blocks)
    grafana = Pod(
        "monitoring",
        "grafana",
        find(evaluation, "NetworkPolicy", "archesai-chart-grafana")["spec"]["podSelector"]["matchLabels"],
        {"kubernetes.io/metadata.name": "monitoring"},
        "10.244.3.1",
    )
    solver = pod("archesai", "solver", "10.244.1.200", **{"acme.cert-manager.io/http01-solver": "true"})
    targets = {3001: own["api"], 3000: own["platform"], grafana.address: grafana, 8089: solver}
    for key, target in targets.items():
        port = key if isinstance(key, int) else 3000
        assert all(made.judge(source, target, port).enters for source in welcome), target.name
        assert not any(made.judge(source, target, port).enters for source in strangers), target.name
        assert not any(made.judge(source, own["database"], 5432).enters for source in welcome)


SERVICE = {"namespace": "databases", "podLabels": {"cnpg.io/cluster": "pg"}, "port": 5433}


@plugins
def test_a_server_in_another_namespace_is_reached_where_networks_do_not_stand_for_pods(blocks: Blocks) -> None:
    external = {"mode": "external", "host": "pg-rw.databases.svc", "cidrs": [], "service": SERVICE}
    config = {"database": external, "databasePassword": "made up for a test"}
    made, own = network(render(config), blocks)
    server = pod("databases", "pg", "10.244.4.1", **{"cnpg.io/cluster": "pg"})
    beside = pod("databases", "other", "10.244.4.2")
    for component in ("api", "migrations"):
        assert made.judge(own[component], server, 5433).leaves
        assert not made.judge(own[component], server, 5432).leaves
        assert not made.judge(own[component], beside, 5433).leaves
    assert not made.judge(own["platform"], server, 5433).leaves


@plugins
def test_the_api_reaches_a_model_in_another_namespace(blocks: Blocks) -> None:
    egress = [{"pods": {"namespace": "llm", "podLabels": {"app": "ollama"}}, "ports": [11434]}]
    made, api = api_of({"api": {"egress": egress}}, blocks)
    assert made.judge(api, pod("llm", "ollama", "10.244.5.1", app="ollama"), 11434).leaves
    assert not made.judge(api, pod("llm", "other", "10.244.5.2"), 11434).leaves


PUBLIC = ["45.0.0.10", "2a00:1450::5", "64:ff9b::2d00:a"]
PRIVATE = ["10.1.2.3", "fd12::1", "fe80::1", "::1", "64:ff9b::a01:203", "64:ff9b::a9fe:a9fe", "2002:a01:203::1"]
SPECIAL = [
    "168.63.129.16",
    "192.0.0.9",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "100.64.0.1",
    "64:ff9b::a83f:8110",
    "2001:db8::1",
    "2001:10::1",
    "3fff::1",
]
"""Addresses that clusters and clouds use inside: Azure's host among them."""


@plugins
@pytest.mark.parametrize("address", PUBLIC)
def test_browsers_reach_public_addresses_of_both_families(address: str, blocks: Blocks) -> None:
    made, own = network(render({"scraper": {"enabled": True}}), blocks)
    assert made.judge(own["scraper"], Outside(address), 443).leaves
    assert made.judge(own["api"], Outside(address), 443).leaves


@plugins
@pytest.mark.parametrize("address", [*PRIVATE, *SPECIAL])
def test_browsers_reach_no_private_address_in_either_family_or_through_nat64(address: str, blocks: Blocks) -> None:
    made, own = network(render({"scraper": {"enabled": True}}), blocks)
    assert not made.judge(own["scraper"], Outside(address), 443).leaves
    assert not made.judge(own["scraper"], Outside(address), 80).leaves


@plugins
def test_networks_of_the_cluster_with_public_addresses_are_no_internet(blocks: Blocks) -> None:
    own_networks = ["2600:1f14::/56", "34.118.224.0/20"]
    made, own = network(render({"scraper": {"enabled": True}, "security": {"privateCidrs": own_networks}}), blocks)
    for address in ("2600:1f14::9", "34.118.224.9", "64:ff9b::2276:e009"):
        assert not made.judge(own["scraper"], Outside(address), 443).leaves, address
        assert not made.judge(own["api"], Outside(address), 443).leaves, address
    assert made.judge(own["scraper"], Outside("2600:1f15::9"), 443).leaves


def test_where_the_longest_prefix_decides_a_stack_has_the_connections_that_it_has_elsewhere() -> None:
    evaluation = SCENARIOS["everything"].evaluation()
    elsewhere, own = network(evaluation, Blocks.COUNT_PODS)
    made, _ = network(evaluation, Blocks.LONGEST_PREFIX)
    parties = own | OUTSIDE
    tried = [
        (source, target, port)
        for source in parties
        for target in parties
        if source != target and (source in own or target in own)
        for port in (22, 53, 80, 443, 3000, 3001, 5432, 6379, 6443, 8000, 8080, 8443, 9000, 9187)
    ]
    verdicts = {one: elsewhere.judge(parties[one[0]], parties[one[1]], one[2]) for one in tried}
    assert {one: made.judge(parties[one[0]], parties[one[1]], one[2]) for one in tried} == verdicts
    assert {verdict.allowed for verdict in verdicts.values()} == {True, False}
