"""The policies' checks, on both shipped stacks and on objects with one defect each."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from archesai_infra.cli.engine.policy import load
from testbed.stacks import ROOT, Config, find, render, shipped

checks = load(ROOT)
EVERY = checks.CHECKS | checks.PRODUCTION_CHECKS


@pytest.mark.parametrize("name", EVERY)
def test_production_as_shipped_keeps_every_policy(name: str) -> None:
    objects = shipped("prod").objects
    assert [(item["metadata"]["name"], text) for item in objects for text in EVERY[name](item)] == []


@pytest.mark.parametrize("name", checks.CHECKS)
def test_development_as_shipped_keeps_every_policy_but_productions(name: str) -> None:
    objects = shipped("dev").objects
    assert [(item["metadata"]["name"], text) for item in objects for text in EVERY[name](item)] == []


EVERY_NAMESPACE = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}
WITH_CILIUM: Config = {
    "api": {"kubernetesAccess": True},
    "cluster": {"cilium": True},
    "domain": "arches.example.com",
    "ingress": {"enabled": True, "className": "cilium", "controller": {"cilium": True}},
}


@pytest.mark.parametrize("name", checks.CHECKS)
def test_a_stack_behind_cilium_keeps_every_policy_but_productions(name: str) -> None:
    objects = render(WITH_CILIUM).objects
    assert "CiliumNetworkPolicy" in {item["kind"] for item in objects}
    assert [(item["metadata"]["name"], text) for item in objects for text in EVERY[name](item)] == []


DEFECTS: list[tuple[str, tuple[str, str], str, Any, str]] = [
    (
        "standard-labels",
        ("Deployment", "archesai-api"),
        "metadata.labels.app\\.kubernetes\\.io/component",
        "",
        "no label",
    ),
    ("restricted", ("Deployment", "archesai-api"), "spec.template.spec.hostNetwork", True, "sets hostNetwork"),
    ("restricted", ("Deployment", "archesai-api"), "spec.template.spec.securityContext", {}, "may run as root"),
    ("bounded", ("Deployment", "archesai-api"), "spec.template.spec.containers.0.resources", {}, "no requests of cpu"),
    (
        "probed",
        ("Deployment", "archesai-api"),
        "spec.template.spec.containers.0.readinessProbe",
        None,
        "readinessProbe",
    ),
    (
        "pinned-images",
        ("Deployment", "archesai-api"),
        "spec.template.spec.containers.0.image",
        "a/api:latest",
        "name a",
    ),
    (
        "no-secret-in-clear",
        ("Deployment", "archesai-api"),
        "spec.template.spec.containers.0.env",
        [{"name": "REDIS_PASSWORD", "value": "made-up"}],
        "has REDIS_PASSWORD in plain text",
    ),
    ("own-identity", ("Deployment", "archesai-api"), "spec.template.spec.serviceAccountName", "default", "default"),
    ("kept-data", ("StatefulSet", "archesai-postgres"), "spec.volumeClaimTemplates", [{}], "cannot grow"),
    ("not-exposed", ("Service", "archesai-api"), "spec.type", "LoadBalancer", "use the ingress"),
    ("bound-rights", ("Role", "archesai-role"), "rules.0.resources", ["secrets"], "every Secret"),
    ("open-policies", ("NetworkPolicy", "archesai-api"), "spec.ingress", [{}], "ingress rule for everybody"),
    *(
        ("open-cilium-policies", ("CiliumNetworkPolicy", "archesai-cilium-api"), path, value, says)
        for path, value, says in (
            ("spec.egress.0.toEntities", ["world"], "egress rule for the entity world"),
            ("spec.egress.0.toEntities", [], "egress rule for everybody"),
            ("spec.ingress.0.fromEntities", ["ingress", "all"], "ingress rule for the entity all"),
            ("spec.ingress", [{"fromCIDR": ["169.254.0.0/16"]}], "holds the metadata address"),
            ("spec.egress", [{"toFQDNs": [{"matchPattern": "*"}]}], "egress rule for every name"),
            ("spec.ingress", [{"fromEndpoints": [EVERY_NAMESPACE]}], "ingress rule for all namespaces"),
            ("spec.endpointSelector", {}, "opens something to every pod"),
        )
    ),
    ("encrypted-ingress", ("Ingress", "archesai-api"), "spec.tls", [], "without TLS"),
    (
        "listed-registries",
        ("Deployment", "archesai-api"),
        "spec.template.spec.containers.0.image",
        "evil.example/a:v1",
        "registry evil.example is not listed",
    ),
    ("scaled-once", ("Deployment", "archesai-api"), "spec.strategy.rollingUpdate.maxUnavailable", 1, "maxUnavailable"),
]


@pytest.mark.parametrize(("name", "of", "path", "value", "says"), DEFECTS)
def test_a_defect_is_found_and_named(name: str, of: tuple[str, str], path: str, value: object, says: str) -> None:
    sound = render(WITH_CILIUM) if of[0] == "CiliumNetworkPolicy" else shipped("prod")
    broken = copy.deepcopy(find(sound, *of))
    _set(broken, path.replace("\\.", "\0").split("."), value)
    found = list(EVERY[name](broken))
    assert len(found) >= 1
    assert says in found[0]


def _set(tree: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - JSON
    for part in path[:-1]:
        tree = tree[int(part)] if isinstance(tree, list) else tree[part.replace("\0", ".")]
    tree[path[-1].replace("\0", ".")] = value


def test_every_policy_is_tried_on_a_defect() -> None:
    assert {name for name, *_ in DEFECTS} == set(EVERY)
