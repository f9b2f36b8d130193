"""Flows as policies and Services, as plain dicts."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.kube.labels import selector
from archesai_infra.kube.network import (
    NOT_PUBLIC,
    Addresses,
    Flow,
    NamespacePods,
    Pods,
    deny_all_spec,
    dns_spec,
    flows_touching,
    host_endpoint,
    internet,
    policy_port_spec,
    policy_spec,
    service_spec,
)

API, DATABASE, PLATFORM = Pods("api"), Pods("database"), Pods("platform")
CONTROLLER = NamespacePods("ingress-nginx", (("app.kubernetes.io/name", "ingress-nginx"),))
FLOWS = (
    Flow(PLATFORM, API, (3001,)),
    Flow(API, DATABASE, (5432,)),
    Flow(CONTROLLER, API, (3001,)),
    Flow(API, Addresses("internet", ("0.0.0.0/0",), NOT_PUBLIC), (443,)),
    Flow(API, Addresses("redis", ("10.1.0.0/16", "10.2.0.0/16")), (6379, 6380)),
)


def pods(component: str) -> dict[str, object]:
    return {"pod_selector": {"match_labels": selector(component, "dev")}}


def tcp(*ports: int) -> list[dict[str, object]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def test_a_flow_between_two_components_is_in_the_policies_of_both() -> None:
    assert policy_spec("database", "dev", FLOWS) == {
        "pod_selector": {"match_labels": selector("database", "dev")},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"from_": [pods("api")], "ports": tcp(5432)}],
    }
    assert policy_spec("api", "dev", FLOWS[1:2]).get("egress") == [{"to": [pods("database")], "ports": tcp(5432)}]


def test_a_policy_has_a_rule_for_each_flow_in_their_order() -> None:
    spec = policy_spec("api", "dev", FLOWS)
    assert spec.get("ingress") == [
        {"from_": [pods("platform")], "ports": tcp(3001)},
        {
            "from_": [
                {
                    "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "ingress-nginx"}},
                    "pod_selector": {"match_labels": {"app.kubernetes.io/name": "ingress-nginx"}},
                }
            ],
            "ports": tcp(3001),
        },
    ]
    assert spec.get("egress") == [
        {"to": [pods("database")], "ports": tcp(5432)},
        {"to": [{"ip_block": {"cidr": "0.0.0.0/0", "except_": list(NOT_PUBLIC)}}], "ports": tcp(443)},
        {
            "to": [{"ip_block": {"cidr": "10.1.0.0/16"}}, {"ip_block": {"cidr": "10.2.0.0/16"}}],
            "ports": tcp(6379, 6380),
        },
    ]


def test_a_component_without_flows_is_let_nowhere() -> None:
    assert policy_spec("scraper", "dev", FLOWS) == {
        "pod_selector": {"match_labels": selector("scraper", "dev")},
        "policy_types": ["Ingress", "Egress"],
    }
    assert flows_touching("scraper", FLOWS) == ()


def test_flows_touch_both_their_ends() -> None:
    assert flows_touching("platform", FLOWS) == flows_touching("api", FLOWS[:1]) == FLOWS[:1]


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10"]
)
def test_the_internet_has_no_private_network_and_no_metadata_address(network: str) -> None:
    assert network in internet().excluded


def test_all_pods_of_a_namespace_are_a_peer_without_labels() -> None:
    spec = policy_spec("api", "dev", [Flow(NamespacePods("edge"), API, (3001,))])
    assert spec.get("ingress") == [
        {
            "from_": [{"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "edge"}}}],
            "ports": tcp(3001),
        }
    ]


def test_the_default_denies_both_directions_to_every_pod() -> None:
    assert deny_all_spec() == {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def test_dns_pods_are_asked_on_their_ports_and_addresses_on_53_alone() -> None:
    pods = NamespacePods("kube-system", (("k8s-app", "kube-dns"),))
    both = [{"protocol": "UDP", "port": 8053}, {"protocol": "TCP", "port": 8053}]
    assert dns_spec({}, [pods], [8053], ["169.254.169.254/32"]).get("egress") == [
        {
            "to": [
                {
                    "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                }
            ],
            "ports": both,
        },
        {
            "to": [{"ip_block": {"cidr": "169.254.169.254/32"}}],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
        },
    ]


def test_exceptions_are_of_the_blocks_own_family_and_inside_it() -> None:
    flow = Flow(API, Addresses("all", ("0.0.0.0/0", "::/0", "10.0.0.0/8")), (443,))
    spec: Any = policy_spec("api", "dev", [flow])
    (rule,) = spec["egress"]
    assert rule["to"] == [
        {"ip_block": {"cidr": "0.0.0.0/0", "except_": ["169.254.0.0/16"]}},
        {"ip_block": {"cidr": "::/0", "except_": ["fe80::/10", "fd00:ec2::/32"]}},
        {"ip_block": {"cidr": "10.0.0.0/8"}},
    ]


def test_sources_of_both_kinds_to_pods_that_are_not_ours() -> None:
    assert policy_port_spec({"acme": "true"}, [NamespacePods("edge"), Addresses("lb", ("10.1.0.0/16",))], 8089) == {
        "pod_selector": {"match_labels": {"acme": "true"}},
        "policy_types": ["Ingress"],
        "ingress": [
            {
                "from_": [
                    {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "edge"}}},
                    {"ip_block": {"cidr": "10.1.0.0/16"}},
                ],
                "ports": tcp(8089),
            }
        ],
    }


def test_a_service_keeps_the_containers_port_numbers() -> None:
    assert service_spec("storage", "dev", {"s3": 9000, "console": 9001}) == {
        "type": "ClusterIP",
        "ports": [
            {"name": "s3", "port": 9000, "target_port": 9000, "protocol": "TCP"},
            {"name": "console", "port": 9001, "target_port": 9001, "protocol": "TCP"},
        ],
        "selector": selector("storage", "dev"),
    }


def test_a_headless_service_has_no_address_of_its_own() -> None:
    assert service_spec("redis", "dev", {"redis": 6379}, headless=True).get("cluster_ip") == "None"


def test_a_service_of_addresses_selects_no_pods() -> None:
    assert "selector" not in service_spec("redis", "dev", {"redis": 6379}, pods=False)
    assert host_endpoint("172.18.0.1") == [{"addresses": ["172.18.0.1"], "conditions": {"ready": True}}]
