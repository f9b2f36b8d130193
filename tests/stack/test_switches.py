"""A switch adds its module's objects, its flows and the api's settings for it, and touches nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from archesai_infra.stack.evaluate import Evaluation
from testbed.matrix import EVERYTHING, ON, PLACED
from testbed.stacks import Config, render


@dataclass(frozen=True)
class Difference:
    """What one stack has that another has not."""

    added: set[str]
    removed: set[str]
    changed: set[str]


def by_name(stack: Evaluation) -> dict[str, Any]:
    """Everything that is said of a resource, by its logical name without a digest.

    What is ignored after the first run is left out.
    """
    return {
        resource.lasting_urn.rpartition("::")[2]: (
            {key: value for key, value in resource.inputs.items() if key not in resource.ignore_changes},
            resource.type,
            resource.parent,
            resource.protect,
            resource.retain_on_delete,
            resource.provider,
        )
        for resource in stack.resources
    }


def difference(before: Config, after: Config) -> Difference:
    """What changes from one configuration to another, resource by resource."""
    old, new = by_name(render(before)), by_name(render(after))
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return Difference(set(new) - set(old), set(old) - set(new), changed)


STATEFUL = {"", "-service", "-headless-service", "-stateful-set", "-data", "-secret"} | {
    "-service-account",
    "-network-policy",
    "-budget",
}
REDIS_USERS = {f"-{user}-password" for user in ("exporter", "dump", "restore")}
STATELESS = {"", "-service", "-deployment", "-service-account", "-network-policy", "-budget"}
API = {"api-config", "api-deployment", "api-network-policy"}
RESOLVING = {"security-dns"}
"""Names the components that may resolve names: those that open connections."""

SWITCHES: dict[str, tuple[Config, set[str], set[str]]] = {
    "redis": (
        {"redis": ON},
        {f"redis{part}" for part in STATEFUL | {"-redis-config", "-password", "-users"} | REDIS_USERS},
        API,
    ),
    "storage": (
        {"storage": ON},
        {f"storage{part}" for part in STATEFUL | {"-access-key", "-secret-key", "-api-key", "-api-secret"}}
        | {f"storage-bucket{part}" for part in ("", "-job", "-users", "-service-account", "-network-policy")},
        API | RESOLVING,
    ),
    "scraper": ({"scraper": ON}, {f"scraper{part}" for part in STATELESS | {"-scraper-files"}}, API | RESOLVING),
    "unstructured": ({"unstructured": ON}, {f"unstructured{part}" for part in STATELESS}, API),
    "ingress": (
        {"ingress": ON},
        {"ingress", "ingress-api", "ingress-platform"},
        # The api is told its own and the platform's address, and both let the controller in.
        API | {"platform-network-policy"},
    ),
    "autoscaling": (
        {"api": {"autoscaling": ON}},
        {"api-autoscaler"},
        # Its number of pods is the autoscaler's.
        {"api-deployment"},
    ),
    "quota": (
        {"security": {"quota": ON, "limits": ON}},
        {"security-quota", "security-limits"},
        set(),
    ),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_adds_what_is_its_own_and_touches_nothing_else(name: str) -> None:
    change, own, touched = SWITCHES[name]
    assert difference(PLACED, PLACED | change) == Difference(own, set(), touched)


@pytest.mark.parametrize("name", SWITCHES)
def test_taking_it_out_again_is_the_exact_reverse(name: str) -> None:
    change, own, touched = SWITCHES[name]
    assert difference(PLACED | change, PLACED) == Difference(set(), own, touched)


@pytest.mark.parametrize("name", ["redis", "storage", "scraper", "unstructured"])
def test_a_switch_does_the_same_to_a_stack_with_everything(name: str) -> None:
    without = EVERYTHING | {name: {"enabled": False}, "ingress": ON}
    _, own, touched = SWITCHES[name]
    assert difference(without, EVERYTHING | {"ingress": ON}) == Difference(own, set(), touched)


def test_the_api_is_told_of_redis_and_let_out_to_it_and_no_more() -> None:
    def api(config: Config) -> tuple[dict[str, Any], list[Any], set[str]]:
        objects = {f"{item['kind']} {item['metadata']['name']}": item for item in render(config).objects}
        policy = objects["NetworkPolicy archesai-api"]["spec"]
        deployment = objects["Deployment archesai-api"]["spec"]["template"]["spec"]
        file = objects[f"ConfigMap {deployment['volumes'][0]['configMap']['name']}"]["data"]["config.yaml"]
        names = {variable["name"] for variable in deployment["containers"][0]["env"]}
        return yaml.safe_load(file), policy["egress"], names

    before, after = api(PLACED), api(PLACED | {"redis": ON})
    assert after[0] == before[0] | {"redis": {"enabled": True, "host": "archesai-redis", "port": 6379, "auth": ""}}
    (rule,) = [rule for rule in after[1] if rule not in before[1]]
    assert rule["ports"] == [{"protocol": "TCP", "port": 6379}]
    assert [rule for rule in before[1] if rule not in after[1]] == []
    assert after[2] - before[2] == {"ARCHES_REDIS_AUTH"}


@pytest.mark.parametrize("module", ["database", "redis", "storage"])
def test_who_runs_a_data_module_changes_only_its_own_objects_and_who_talks_to_it(module: str) -> None:
    external = ON | {"mode": "external", "host": "service.example.com", "existingSecret": "theirs"}
    change = difference(EVERYTHING | {"ingress": ON}, EVERYTHING | {"ingress": ON, module: external})
    assert change.added == set()
    assert all(name.startswith(f"{module}-") for name in change.removed)
    # An external object storage needs no Job that makes its bucket and resolves its name.
    consumers = API | (RESOLVING if module == "storage" else set())
    consumers |= {"migrations-job", "migrations-network-policy"} if module == "database" else set()
    assert change.changed <= consumers
    assert "api-network-policy" in change.changed


def test_another_size_of_development_and_production_is_no_other_security() -> None:
    def postures(config: Config) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for item in render(config).objects:
            if item["kind"] in ("Deployment", "StatefulSet", "Job"):
                pod = item["spec"]["template"]["spec"]
                component = item["metadata"]["labels"]["app.kubernetes.io/component"]
                found[component] = (
                    pod["securityContext"],
                    pod["automountServiceAccountToken"],
                    [container["securityContext"] for container in pod["containers"]],
                )
            if item["kind"] in ("NetworkPolicy", "Namespace"):
                found[item["metadata"]["name"]] = item.get("spec", item["metadata"]["labels"])
        return found

    pinned = {"image": {"tag": "v1.0.0"}}
    storage = {"storage": EVERYTHING["storage"] | {"acceptSingleNode": True}}
    production = EVERYTHING | storage | {"environment": "production", "api": pinned, "platform": pinned}
    assert postures(production) == postures(EVERYTHING)
