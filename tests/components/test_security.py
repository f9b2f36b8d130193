from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.versions import POD_SECURITY
from testbed.components.parts import depends_on, logical_names, resource, template
from testbed.matrix import CLUSTER, EVERYTHING, ON
from testbed.stacks import ALONE, Config, find, render, shipped

ASKING: Config = {"api": {"kubernetesAccess": True}, "cluster": {"apiServer": ["10.96.0.1/32"]}}
REGISTRY: Config = {
    "security": {"registry": {"server": "registry.example.com", "username": "robot"}},
    "registryPassword": "unmistakable",
}


def test_the_namespace_holds_its_pods_to_the_restricted_standard_of_a_fixed_version() -> None:
    labels = find(render(), "Namespace", "archesai")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == POD_SECURITY


def test_every_component_waits_for_the_namespace() -> None:
    stack = render(EVERYTHING)
    top = {
        item.name
        for item in stack.resources
        if item.type.startswith("archesai:") and item.parent.endswith("::archesai-dev")
    }
    assert {"api", "database", "ingress"} <= top
    for name in sorted(top - {"security"}):
        assert "security-namespace" in depends_on(stack, name), name
    assert "security-namespace" in depends_on(stack, "security-role")


def test_pods_resolve_names_where_the_cluster_does() -> None:
    dns = {"peers": [{"namespace": "openshift-dns", "podLabels": {"dns": "default"}}], "ports": [5353], "cidrs": []}
    (rule,) = find(render({"security": {"dns": dns}}), "NetworkPolicy", "archesai-dns")["spec"]["egress"]
    assert rule["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}},
            "podSelector": {"matchLabels": {"dns": "default"}},
        }
    ]
    assert rule["ports"] == [{"protocol": "UDP", "port": 5353}, {"protocol": "TCP", "port": 5353}]


def test_the_api_may_look_at_pods_services_and_deployments_and_change_nothing() -> None:
    verbs = ["get", "list", "watch"]
    assert find(render(), "Role", "archesai-role")["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": verbs},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": verbs},
    ]
    assert find(render(ASKING), "RoleBinding", "archesai-role-binding")["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "archesai-role",
    }


def test_quota_and_limits_are_there_only_when_asked_for() -> None:
    assert logical_names(render()) & {"security-quota", "security-limits"} == set()
    stack = render({"security": {"quota": ON | {"hard": {"pods": "60"}}, "limits": ON}})
    assert find(stack, "ResourceQuota", "archesai-quota")["spec"] == {"hard": {"pods": "60"}}
    assert find(stack, "LimitRange", "archesai-limits")["spec"]["limits"] == [
        {
            "type": "Container",
            "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
            "default": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
        }
    ]


def test_the_pull_secret_is_a_login_to_the_registry() -> None:
    secret = find(render(ALONE | REGISTRY, reveal=True), "Secret", "regcred")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    login = json.loads(secret["stringData"][".dockerconfigjson"])["auths"]["registry.example.com"]
    assert (login["username"], login["password"]) == ("robot", "unmistakable")
    assert b64decode(login["auth"]).decode() == "robot:unmistakable"


@pytest.mark.parametrize("name", ["archesai-api", "archesai-platform"])
def test_every_pod_pulls_with_the_pull_secret_where_there_is_one(name: str) -> None:
    assert template(render(REGISTRY), "Deployment", name)["spec"]["imagePullSecrets"] == [{"name": "regcred"}]
    assert "imagePullSecrets" not in template(render(), "Deployment", name)["spec"]


def test_the_pull_secret_travels_as_a_secret() -> None:
    assert resource(render(ALONE | REGISTRY), "security-pull-secret").secret_paths == ("stringData",)


def test_the_role_is_bound_only_where_the_api_may_ask_the_cluster() -> None:
    assert "security-role-binding" not in logical_names(render())
    binding = find(render(ASKING), "RoleBinding", "archesai-role-binding")
    assert [subject["name"] for subject in binding["subjects"]] == ["archesai-api"]


def test_the_api_reaches_the_api_server_s_addresses_and_no_others_of_its_ports() -> None:
    addresses = {"cluster": {"apiServer": ["10.96.0.1/32", "192.0.2.10/32"]}}
    rules = find(render(ASKING | addresses), "NetworkPolicy", "archesai-api")["spec"]["egress"]
    (rule,) = [rule for rule in rules if {"protocol": "TCP", "port": 6443} in rule["ports"]]
    assert rule["to"] == [{"ipBlock": {"cidr": "10.96.0.1/32"}}, {"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_an_api_that_asks_the_cluster_needs_its_addresses() -> None:
    with pytest.raises(
        ConfigError,
        match=r"api\.kubernetesAccess needs the API server's addresses: kubectl --context <context>",
    ):
        render({"api": {"kubernetesAccess": True}})


def _cilium(stack: Evaluation) -> dict[str, dict[str, Any]]:
    made = [item for item in stack.objects if item["kind"] == "CiliumNetworkPolicy"]
    found = [item for item in made if item["metadata"]["namespace"] == stack.settings.namespace]
    assert {item["apiVersion"] for item in found} <= {"cilium.io/v2"}
    return {item["metadata"]["name"]: item["spec"] for item in found}


API_SERVER = {
    "toEntities": ["kube-apiserver"],
    "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}, {"port": "6443", "protocol": "TCP"}]}],
}


def test_with_cilium_pods_reach_the_api_server_by_what_it_is_and_need_no_addresses() -> None:
    stack = render({"api": {"kubernetesAccess": True}, "cluster": {"cilium": True}})
    own = find(stack, "NetworkPolicy", "archesai-api")["spec"]
    assert _cilium(stack) == {
        "archesai-cilium-api": {
            "endpointSelector": {"matchLabels": own["podSelector"]["matchLabels"]},
            "egress": [API_SERVER],
        }
    }
    assert 6443 not in {port["port"] for rule in own["egress"] for port in rule["ports"]}


def test_with_cilium_every_pod_of_a_database_cluster_reaches_the_api_server_the_pooler_s_too() -> None:
    stack = render({"database": {"mode": "cluster", "pooler": {}}, "cluster": {"cilium": True}})
    assert _cilium(stack) == {
        "archesai-cilium-database-cluster": {
            "endpointSelector": {"matchLabels": {"cnpg.io/cluster": "archesai-db-1"}},
            "egress": [API_SERVER],
        }
    }
    policy = find(stack, "NetworkPolicy", "archesai-database-cluster")["spec"]
    assert all(rule["to"] for rule in policy["egress"])
    assert "security-cilium-database-cluster" in depends_on(stack, "database")


def test_addresses_of_the_api_server_are_open_beside_cilium_s_name_for_it() -> None:
    stack = render(ASKING | {"cluster": {"cilium": True, "apiServer": ["10.96.0.1/32"]}})
    rules = find(stack, "NetworkPolicy", "archesai-api")["spec"]["egress"]
    assert [{"ipBlock": {"cidr": "10.96.0.1/32"}}] in [rule["to"] for rule in rules]
    assert list(_cilium(stack)) == ["archesai-cilium-api"]


@pytest.mark.parametrize("config", [ASKING, CLUSTER, {"cluster": {"cilium": True}}])
def test_cilium_s_policies_are_only_for_pods_that_ask_the_api_server_and_an_opt_in(config: Config) -> None:
    assert _cilium(render(config)) == {}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_shipped_stacks_need_no_cilium(stack: str) -> None:
    assert _cilium(shipped(stack)) == {}
