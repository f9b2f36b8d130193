"""Objects that an attacker, or somebody in a hurry, would add: each is found by the policy that is about it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from archesai_infra.cli.engine.policy import load
from testbed.stacks import ROOT, find, shipped

Object = dict[str, Any]

CHECKS = load(ROOT)
EVERY = CHECKS.CHECKS | CHECKS.PRODUCTION_CHECKS
KINDS = ("Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodTemplate")


def _spec() -> Object:
    return copy.deepcopy(find(shipped("prod"), "Deployment", "archesai-api")["spec"]["template"]["spec"])


def _running(kind: str, spec: Object) -> Object:
    """An object of a kind that runs this pod."""
    item: Object = {"kind": kind, "metadata": {"name": "crafted"}}
    template = {"spec": spec}
    if kind == "Pod":
        return item | {"spec": spec}
    if kind == "PodTemplate":
        return item | {"template": template}
    if kind == "CronJob":
        return item | {"spec": {"jobTemplate": {"spec": {"template": template}}}}
    return item | {"spec": {"template": template}}


def _found(policy: str, item: Mapping[str, Any]) -> list[str]:
    found: Iterator[str] = EVERY[policy](item)
    return list(found)


SECURITY: list[tuple[Object, str]] = [
    ({"runAsUser": 0}, "may run as root"),
    ({"runAsNonRoot": False}, "may run as root"),
    ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN", "NET_ADMIN"]}}, "adds the capabilities SYS_ADMIN"),
    ({"capabilities": {"drop": []}}, "keeps capabilities"),
    ({"seccompProfile": {"type": "Unconfined"}}, "seccomp"),
    ({"appArmorProfile": {"type": "Unconfined"}}, "AppArmor"),
    ({"procMount": "Unmasked"}, "/proc"),
    ({"seLinuxOptions": {"type": "spc_t"}}, "SELinux"),
    ({"privileged": True}, "may gain privileges"),
    ({"allowPrivilegeEscalation": True}, "may gain privileges"),
    ({"windowsOptions": {"hostProcess": True}}, "process of its node"),
    ({"readOnlyRootFilesystem": False}, "root file system"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["initContainers", "containers", "ephemeralContainers"])
@pytest.mark.parametrize(("security", "says"), SECURITY, ids=lambda value: value if isinstance(value, str) else None)
def test_a_containers_own_context_is_judged_above_its_pods(kind: str, place: str, security: Object, says: str) -> None:
    spec = _spec()
    container = copy.deepcopy(spec["containers"][0])
    container["securityContext"] = container["securityContext"] | security
    spec[place] = [container]
    assert [finding for finding in _found("restricted", _running(kind, spec)) if says in finding]
    assert _found("restricted", _running(kind, _spec())) == []


POD: list[tuple[str, Object, str]] = [
    ("restricted", {"hostNetwork": True}, "hostNetwork"),
    ("restricted", {"hostPID": True}, "hostPID"),
    ("restricted", {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, "directory of its node"),
    ("restricted", {"volumes": [{"name": "a", "csi": {"driver": "x"}}]}, "volume of kind csi"),
    ("restricted", {"volumes": [{"name": "a", "nfs": {"server": "x"}}]}, "volume of kind nfs"),
    (
        "own-identity",
        {"volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
        "token for the API server",
    ),
    ("own-identity", {"serviceAccountName": "default"}, "default service account"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("policy", "change", "says"), POD)
def test_what_a_pod_takes_from_its_node_or_the_api_server_is_found(
    kind: str, policy: str, change: Object, says: str
) -> None:
    assert [finding for finding in _found(policy, _running(kind, _spec() | change)) if says in finding]


CONTAINER: list[tuple[str, Object, str]] = [
    ("restricted", {"ports": [{"containerPort": 80, "hostPort": 80}]}, "port of its node"),
    ("no-secret-in-clear", {"args": ["--password=made-up-value"]}, "argument --password"),
    ("no-secret-in-clear", {"env": [{"name": "DATABASE_URL", "value": "postgresql://a:made-up@db"}]}, "DATABASE_URL"),
    ("no-secret-in-clear", {"env": [{"name": "OPENAI_API_KEY", "value": "made-up"}]}, "OPENAI_API_KEY"),
    ("no-secret-in-clear", {"env": [{"name": "UPSTREAM", "value": "http://a:made-up@db/x"}]}, "a URL with a password"),
    ("no-secret-in-clear", {"command": ["x", "ghp_" + 40 * "a"]}, "a token of GitHub"),
    ("pinned-images", {"image": "archesai/api:main"}, "name a version"),
    ("pinned-images", {"image": "archesai/api:nightly"}, "name a version"),
    ("listed-registries", {"image": "evil.example/a:edge"}, "not listed"),
    ("listed-registries", {"image": "localhost/a:v1"}, "not listed"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("policy", "change", "says"), CONTAINER)
def test_what_a_container_runs_opens_or_is_given_is_found(kind: str, policy: str, change: Object, says: str) -> None:
    spec = _spec()
    spec["containers"][0] |= change
    assert [finding for finding in _found(policy, _running(kind, spec)) if says in finding]


def _object(kind: str, **fields: object) -> Object:
    return {"kind": kind, "metadata": {"name": "crafted"}, **fields}


def _policy(**spec: object) -> Object:
    return _object("NetworkPolicy", spec=spec)


def _block(cidr: str, *excluded: str) -> Object:
    return _policy(egress=[{"to": [{"ipBlock": {"cidr": cidr, "except": list(excluded)}}]}])


OTHERS: list[tuple[str, Object, str]] = [
    ("bound-rights", _object("ClusterRoleBinding", roleRef={"name": "cluster-admin"}), "cluster-admin"),
    ("bound-rights", _object("RoleBinding", roleRef={"name": "edit"}), "edit"),
    (
        "bound-rights",
        _object("RoleBinding", roleRef={"name": "a"}, subjects=[{"name": "system:authenticated"}]),
        "system:authenticated",
    ),
    ("bound-rights", _object("Role", rules=[{"verbs": ["*"]}]), "* in verbs"),
    ("bound-rights", _object("Role", rules=[{"resources": ["pods/*"], "verbs": ["get"]}]), "* in resources"),
    ("bound-rights", _object("ClusterRole", rules=[{"resources": ["secrets"], "verbs": ["get"]}]), "every Secret"),
    (
        "bound-rights",
        _object("Role", rules=[{"resources": ["secrets"], "verbs": ["get"]}], metadata={"name": "another"}),
        "every Secret",
    ),
    (
        "bound-rights",
        _object(
            "Role", rules=[{"resources": ["secrets"], "verbs": ["update"]}], metadata={"name": "archesai-controller"}
        ),
        "every Secret",
    ),
    ("bound-rights", _object("Role", rules=[{"resources": ["roles"], "verbs": ["escalate"]}]), "escalate"),
    ("open-policies", _policy(ingress=[{}]), "everybody"),
    ("open-policies", _policy(egress=[{"ports": [{"port": 443}]}]), "everybody"),
    ("open-policies", _policy(ingress=[{"from": [{"namespaceSelector": {}}]}]), "all namespaces"),
    ("open-policies", _policy(egress=[{"to": [{}]}]), "all namespaces"),
    ("open-policies", _block("0.0.0.0/0"), "metadata"),
    ("open-policies", _block("::/0"), "metadata"),
    ("open-policies", _block("169.254.0.0/16"), "metadata"),
    ("not-exposed", _object("Service", spec={"externalIPs": ["192.0.2.1"]}), "externalIPs"),
    ("not-exposed", _object("Service", spec={"type": "LoadBalancer"}), "LoadBalancer"),
    ("not-exposed", _object("Service", spec={"type": "ExternalName"}), "ExternalName"),
    ("kept-data", _object("PersistentVolume", spec={"hostPath": {"path": "/"}}), "directory of a node"),
    ("restricted", _object("Namespace"), "Pod Security"),
    ("encrypted-ingress", _object("Ingress", spec={"rules": [{"host": "a.example.com"}]}), "without TLS"),
    ("no-secret-in-clear", _object("ConfigMap", data={"AWS_SECRET_ACCESS_KEY": "made-up"}), "AWS_SECRET_ACCESS_KEY"),
    ("no-secret-in-clear", _object("ConfigMap", data={"config.yaml": "llm: {token: made-up}"}), "llm.token"),
    ("no-secret-in-clear", _object("ConfigMap", data={"config.json": '{"a": [{"apiKey": "made-up"}]}'}), "a.apiKey"),
    ("no-secret-in-clear", _object("Release", values={"auth": {"password": "made-up"}}), "auth.password"),
    ("no-secret-in-clear", _object("Release", values={"env": ["AKIA" + 16 * "A"]}), "a key of AWS"),
]


@pytest.mark.parametrize(("policy", "item", "says"), OTHERS)
def test_an_object_that_opens_the_stack_is_found(policy: str, item: Object, says: str) -> None:
    assert [finding for finding in _found(policy, item) if says in finding]


def test_a_privileged_namespace_is_found_unless_a_module_needs_one() -> None:
    label = "pod-security.kubernetes.io/enforce"
    item: Object = {"kind": "Namespace", "metadata": {"name": "crafted", "labels": {label: "privileged"}}}
    assert _found("restricted", item)
    item["metadata"]["labels"]["app.kubernetes.io/component"] = "backups"
    assert _found("restricted", item) == []


@pytest.mark.parametrize(
    "item",
    [
        _block("0.0.0.0/0", "169.254.0.0/16"),
        _block("::/0", "fc00::/7"),
        _block("203.0.113.7/32"),
        _object("ConfigMap", data={"run.sh": 'export PGPASSWORD="$(cat /run/secrets/password)"'}),
        _object("ConfigMap", data={"config.yaml": "auth: {token: ${TOKEN}, passwordFile: /run/a}"}),
        _object("Release", values={"credentials": {"existingSecret": "cloud-credentials"}}),
    ],
)
def test_what_is_no_way_in_is_not_found(item: Object) -> None:
    assert [finding for check in EVERY.values() for finding in check(item)] == []
