from __future__ import annotations

import pytest

from testbed.cluster.policies import Blocks, Network, Outside, Party, Pod, Verdict, pod_of, selects
from testbed.controlplane.api import Object

HOME = {"kubernetes.io/metadata.name": "home", "team": "a"}
AWAY = {"kubernetes.io/metadata.name": "away", "team": "b"}
WEB = Pod(
    "home", "web", {"app": "web", "tier": "front"}, HOME, "10.244.0.1", {"http": (8080, "TCP"), "dns": (53, "UDP")}
)
DATA = Pod("home", "data", {"app": "data"}, HOME, "10.244.0.2")
GUEST = Pod("away", "guest", {"app": "web"}, AWAY, "10.244.1.1")
INTERNET = Outside("203.0.113.10")

ALLOWED = Verdict(leaves=True, enters=True)
NOT_OUT = Verdict(leaves=False, enters=True)
NOT_IN = Verdict(leaves=True, enters=False)


def policy(selector: Object | None = None, *, namespace: str = "home", **spec: object) -> Object:
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": selector or {}, **spec}}


def to_app(name: str) -> Object:
    return {"podSelector": {"matchLabels": {"app": name}}}


def judge(
    *policies: Object,
    source: Party = GUEST,
    target: Party = WEB,
    port: int = 8080,
    protocol: str = "TCP",
    blocks: Blocks = Blocks.COUNT_PODS,
) -> Verdict:
    return Network([WEB, DATA, GUEST], policies, blocks=blocks).judge(source, target, port, protocol)


def test_without_a_policy_everything_passes() -> None:
    assert judge() == ALLOWED
    assert judge(source=WEB, target=INTERNET, port=1) == ALLOWED


def test_a_policy_without_rules_closes_the_direction_it_is_about() -> None:
    assert judge(policy(policyTypes=["Ingress"])) == NOT_IN
    assert judge(policy(policyTypes=["Ingress"]), source=WEB, target=GUEST) == ALLOWED
    assert judge(policy(policyTypes=["Egress"]), source=WEB, target=GUEST) == NOT_OUT
    assert judge(policy(policyTypes=["Egress"])) == ALLOWED
    both = policy(policyTypes=["Ingress", "Egress"])
    assert judge(both, source=WEB, target=DATA) == Verdict(leaves=False, enters=False)


def test_policy_types_that_are_not_given_follow_from_the_rules() -> None:
    assert judge(policy()) == NOT_IN
    assert judge(policy(), source=WEB, target=GUEST) == ALLOWED
    assert judge(policy(egress=[{"to": [to_app("data")]}]), source=WEB, target=GUEST) == NOT_OUT


def test_an_empty_rule_allows_everything_in_its_direction() -> None:
    assert judge(policy(ingress=[{}])) == ALLOWED
    assert judge(policy(policyTypes=["Egress"], egress=[{}]), source=WEB, target=INTERNET) == ALLOWED
    assert judge(policy(ingress=[{"from": [], "ports": []}])) == ALLOWED


def test_a_policy_is_about_the_pods_it_selects_in_its_own_namespace() -> None:
    assert judge(policy({"matchLabels": {"app": "data"}})) == ALLOWED
    assert judge(policy({"matchLabels": {"app": "web"}})) == NOT_IN
    assert judge(policy(namespace="away")) == ALLOWED


def test_policies_add_up() -> None:
    deny, open_to_data = policy(policyTypes=["Ingress"]), policy(ingress=[{"from": [to_app("data")]}])
    assert judge(deny, open_to_data, source=DATA) == ALLOWED
    assert judge(deny, open_to_data) == NOT_IN


def test_a_pod_selector_alone_means_pods_of_the_policys_namespace() -> None:
    rule = policy(ingress=[{"from": [to_app("web")]}])
    assert judge(rule, source=WEB, target=DATA) == ALLOWED
    assert judge(rule, source=GUEST, target=DATA) == NOT_IN
    assert judge(policy(ingress=[{"from": [{"podSelector": {}}]}]), source=GUEST) == NOT_IN
    assert judge(policy(ingress=[{"from": [{"podSelector": {}}]}]), source=DATA) == ALLOWED


def test_a_namespace_selector_alone_means_all_pods_of_those_namespaces() -> None:
    rule = policy(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}])
    assert judge(rule, source=GUEST) == ALLOWED
    assert judge(rule, source=DATA) == NOT_IN
    assert judge(policy(ingress=[{"from": [{"namespaceSelector": {}}]}])) == ALLOWED
    assert judge(policy(ingress=[{"from": [{"namespaceSelector": {}}]}]), source=INTERNET) == NOT_IN


def test_both_selectors_in_one_peer_must_match_and_two_peers_are_alternatives() -> None:
    both = {"namespaceSelector": {"matchLabels": {"team": "b"}}} | to_app("data")
    assert judge(policy(ingress=[{"from": [both]}])) == NOT_IN
    either = [{"namespaceSelector": {"matchLabels": {"team": "b"}}}, to_app("data")]
    assert judge(policy(ingress=[{"from": either}])) == ALLOWED
    assert judge(policy(ingress=[{"from": either}]), source=DATA) == ALLOWED


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.10", True),
        ("8.8.8.8", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("169.254.170.1", True),
        ("2001:db8::1", False),
    ],
)
def test_an_address_block_holds_what_none_of_its_exceptions_holds(address: str, allowed: bool) -> None:  # noqa: FBT001
    block = {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.169.254/32"]}
    rule = policy(policyTypes=["Egress"], egress=[{"to": [{"ipBlock": block}]}])
    assert judge(rule, source=WEB, target=Outside(address)).allowed is allowed


def test_an_ipv6_block_holds_ipv6_addresses() -> None:
    rule = policy(ingress=[{"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]}])
    assert judge(rule, source=Outside("2001:db8::1")) == ALLOWED
    assert judge(rule, source=INTERNET) == NOT_IN


def test_whether_an_address_block_stands_for_pods_is_the_plugins_choice() -> None:
    rule = policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.244.0.0/16"}}]}])
    assert judge(rule, blocks=Blocks.COUNT_PODS) == ALLOWED
    assert judge(rule, blocks=Blocks.SPARE_PODS) == NOT_IN
    assert judge(rule, source=Outside("10.244.9.9"), blocks=Blocks.SPARE_PODS) == ALLOWED


PUBLIC: Object = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], "ports": [{"port": 443}]}


@pytest.mark.parametrize(
    ("peer", "address", "expected"),
    [
        ({"cidr": "0.0.0.0/0"}, "10.1.2.3", NOT_OUT),
        ({"cidr": "10.0.0.0/8"}, "10.1.2.3", ALLOWED),
        ({"cidr": "10.1.0.0/16"}, "10.1.2.3", ALLOWED),
        ({"cidr": "0.0.0.0/0"}, "8.8.8.8", ALLOWED),
    ],
    ids=["a shorter prefix", "the exception itself", "a longer prefix", "beside the exception"],
)
def test_by_the_longest_prefix_an_exception_closes_what_another_rule_opens_by_a_shorter_one(
    peer: Object, address: str, expected: Verdict
) -> None:
    names: Object = {"to": [{"ipBlock": peer}], "ports": [{"port": 53}]}
    rules = policy(policyTypes=["Egress"], egress=[names, PUBLIC])
    assert judge(rules, source=WEB, target=Outside(address), port=53, blocks=Blocks.COUNT_PODS) == ALLOWED
    assert judge(rules, source=WEB, target=Outside(address), port=53, blocks=Blocks.LONGEST_PREFIX) == expected


def test_by_the_longest_prefix_a_selected_pod_is_reached_inside_an_exception_on_its_own_ports_alone() -> None:
    pods: Object = {"to": [{"podSelector": {"matchLabels": DATA.labels}}], "ports": [{"port": 5432}]}
    rules = policy(policyTypes=["Egress"], egress=[pods, PUBLIC])
    assert judge(rules, source=WEB, target=DATA, port=5432, blocks=Blocks.LONGEST_PREFIX) == ALLOWED
    assert judge(rules, source=WEB, target=DATA, port=443, blocks=Blocks.LONGEST_PREFIX) == NOT_OUT


@pytest.mark.parametrize(
    ("ports", "port", "protocol", "allowed"),
    [
        ([{"port": 8080}], 8080, "TCP", True),
        ([{"port": 8080}], 8081, "TCP", False),
        ([{"port": 8080}], 8080, "UDP", False),
        ([{"port": 53, "protocol": "UDP"}], 53, "UDP", True),
        ([{"port": 53, "protocol": "UDP"}], 53, "TCP", False),
        ([{"protocol": "UDP"}], 9999, "UDP", True),
        ([{"protocol": "UDP"}], 9999, "TCP", False),
        ([{"port": 8000, "endPort": 8100}], 8100, "TCP", True),
        ([{"port": 8000, "endPort": 8100}], 8101, "TCP", False),
        ([{"port": "http"}], 8080, "TCP", True),
        ([{"port": "http"}], 8081, "TCP", False),
        ([{"port": "dns"}], 53, "TCP", False),
        ([{"port": "dns", "protocol": "UDP"}], 53, "UDP", True),
        ([{"port": "unknown"}], 8080, "TCP", False),
        ([{"port": 1}, {"port": 8080}], 8080, "TCP", True),
    ],
)
def test_ports_are_matched_by_number_range_name_and_protocol(
    ports: list[Object],
    port: int,
    protocol: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    assert judge(policy(ingress=[{"ports": ports}]), port=port, protocol=protocol).allowed is allowed


def test_a_named_port_of_an_egress_rule_is_the_targets() -> None:
    rule = policy(policyTypes=["Egress"], egress=[{"ports": [{"port": "http"}]}])
    assert judge(rule, source=DATA, target=WEB) == ALLOWED
    assert judge(rule, source=WEB, target=DATA) == NOT_OUT
    assert judge(rule, source=WEB, target=INTERNET) == NOT_OUT


def test_a_connection_needs_both_sides() -> None:
    out = policy({"matchLabels": {"app": "web"}}, policyTypes=["Egress"], egress=[{"to": [to_app("data")]}])
    closed = policy({"matchLabels": {"app": "data"}}, policyTypes=["Ingress"])
    opened = policy({"matchLabels": {"app": "data"}}, ingress=[{"from": [to_app("web")], "ports": [{"port": 5432}]}])
    assert judge(out, closed, source=WEB, target=DATA, port=5432) == NOT_IN
    assert judge(out, closed, opened, source=WEB, target=DATA, port=5432) == ALLOWED
    assert judge(out, closed, opened, source=WEB, target=DATA, port=22) == NOT_IN


def test_a_pod_reaches_itself_whatever_the_policies_say() -> None:
    assert judge(policy(policyTypes=["Ingress", "Egress"]), source=WEB, target=WEB) == ALLOWED


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "data"]}, True),
        ({"key": "app", "operator": "In", "values": ["data"]}, False),
        ({"key": "app", "operator": "NotIn", "values": ["data"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "missing", "operator": "NotIn", "values": ["web"]}, True),
        ({"key": "tier", "operator": "Exists"}, True),
        ({"key": "missing", "operator": "Exists"}, False),
        ({"key": "missing", "operator": "DoesNotExist"}, True),
        ({"key": "tier", "operator": "DoesNotExist"}, False),
    ],
)
def test_selectors_understand_expressions(expression: Object, matches: bool) -> None:  # noqa: FBT001
    assert selects({"matchExpressions": [expression]}, WEB.labels) is matches
    assert selects({"matchLabels": {"app": "other"}, "matchExpressions": [expression]}, WEB.labels) is False


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(ValueError, match="operator Gt"):
        selects({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}, WEB.labels)


def test_a_service_leads_to_the_target_port_of_the_pods_it_selects() -> None:
    ports = [
        {"port": 80, "targetPort": "http"},
        {"port": 81, "targetPort": 9090},
        {"port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"port": 8080},
    ]
    spec = {"selector": {"app": "web"}, "ports": ports}
    service = {"metadata": {"namespace": "home", "name": "front"}, "spec": spec}
    network = Network([WEB, DATA, GUEST], [], [service])
    assert list(network.behind("front", "home", 80)) == [(WEB, 8080, "TCP")]
    assert list(network.behind("front", "home", 81)) == [(WEB, 9090, "TCP")]
    assert list(network.behind("front", "home", 53)) == [(WEB, 53, "UDP")]
    assert list(network.behind("front", "home", 8080)) == [(WEB, 8080, "TCP")]
    assert list(network.behind("front", "home", 5)) == []


def test_a_pod_is_read_as_the_server_has_it() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 1}]}
    metadata = {"namespace": "home", "name": "web", "labels": {"app": "web"}}
    item = {"metadata": metadata, "spec": {"containers": [container]}, "status": {"podIP": "10.244.0.1"}}
    assert pod_of(item, HOME) == Pod("home", "web", {"app": "web"}, HOME, "10.244.0.1", {"http": (8080, "TCP")})
