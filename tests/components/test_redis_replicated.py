"""The objects of a replicated redis."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.cli.backups.restore_plan import whole
from archesai_infra.components.redis import CLAIMS
from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.redis_forms import starts
from testbed.components.parts import configuration as api_file
from testbed.components.parts import logical_names, template, variables
from testbed.matrix import ON
from testbed.monitoring.stacks import settings as settings_of
from testbed.stacks import ALONE, find, render

REPLICATED = {"redis": ON | {"mode": "replicated"}}
STACK = ALONE | {"api": ON, "database": ON, "migrations": {"mode": "off"}} | REPLICATED
SERVERS, PROXIES = "archesai-redis-server", "archesai-redis-proxy"


def _container(stack: Evaluation, name: str) -> dict[str, Any]:
    found = template(stack, "StatefulSet", SERVERS)["spec"]["containers"]
    return next(item for item in found if item["name"] == name)


def _policy(stack: Evaluation, name: str) -> set[tuple[str, str, tuple[int, ...]]]:
    """Direction, component and ports of what a policy allows."""
    spec = find(stack, "NetworkPolicy", name)["spec"]
    sides = (("from", spec.get("ingress", ())), ("to", spec.get("egress", ())))
    return {
        (
            side,
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"],
            tuple(p["port"] for p in rule["ports"]),
        )
        for side, rules in sides
        for rule in rules
        for peer in rule[side]
        if "podSelector" in peer and "namespaceSelector" not in peer
    }


def test_consumers_keep_the_address_which_leads_to_the_proxies() -> None:
    stack = render(STACK)
    service = find(stack, "Service", "archesai-redis")["spec"]
    assert service["selector"]["app.kubernetes.io/component"] == "redis-proxy"
    assert service["selector"] == find(stack, "Deployment", PROXIES)["spec"]["selector"]["matchLabels"]
    assert api_file(stack)["redis"] == {"enabled": True, "host": "archesai-redis", "port": 6379, "auth": ""}
    assert ("to", "redis-proxy", (6379,)) in _policy(stack, "archesai-api")


def test_only_proxies_and_servers_reach_the_servers_and_their_sentinels() -> None:
    stack = render(STACK)
    group = (6379, 26379)
    assert _policy(stack, SERVERS) == {
        ("from", "redis-server", group),
        ("to", "redis-server", group),
        ("from", "redis-proxy", group),
    }
    assert _policy(stack, PROXIES) == {("from", "api", (6379,)), ("to", "redis-server", group)}


def test_three_servers_find_each_other_before_they_are_ready_and_never_share_a_node() -> None:
    stack = render(STACK)
    servers = find(stack, "StatefulSet", SERVERS)["spec"]
    assert (servers["replicas"], servers["podManagementPolicy"]) == (3, "Parallel")
    headless = find(stack, "Service", f"{SERVERS}-headless")["spec"]
    assert headless["publishNotReadyAddresses"] is True
    for name, kind in ((SERVERS, "StatefulSet"), (PROXIES, "Deployment")):
        (term,) = template(stack, kind, name)["spec"]["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        assert term["labelSelector"]["matchLabels"] == find(stack, kind, name)["spec"]["selector"]["matchLabels"]
        assert find(stack, "PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1


def test_pods_may_share_a_node_where_the_stack_file_says_so() -> None:
    stack = render(STACK | {"redis": ON | {"mode": "replicated", "apart": "preferred"}})
    affinity = template(stack, "StatefulSet", SERVERS)["spec"]["affinity"]["podAntiAffinity"]
    assert affinity.keys() == {"preferredDuringSchedulingIgnoredDuringExecution"}


def test_a_primary_hands_over_before_it_stops_and_has_the_time() -> None:
    stack = render(STACK)
    hook = _container(stack, "redis")["lifecycle"]["preStop"]["exec"]["command"]
    assert hook == ["/bin/sh", "/etc/redis/handover.sh"]
    assert template(stack, "StatefulSet", SERVERS)["spec"]["terminationGracePeriodSeconds"] >= 60


def test_each_pod_takes_a_claim_that_outlives_it_and_grows_by_an_update() -> None:
    stack = render(STACK | {"redis": ON | {"mode": "replicated", "size": "7Gi", "storageClass": "fast"}})
    (data,) = find(stack, "StatefulSet", SERVERS)["spec"]["volumeClaimTemplates"]
    names = [f"{data['metadata']['name']}-{SERVERS}-{number}" for number in range(3)]
    assert names == list(CLAIMS)
    for name in names:
        spec = find(stack, "PersistentVolumeClaim", name)["spec"]
        assert spec["resources"]["requests"]["storage"] == "7Gi"
        assert spec["storageClassName"] == "fast"
    assert data == find(render(STACK), "StatefulSet", SERVERS)["spec"]["volumeClaimTemplates"][0], "it is immutable"


def test_no_password_is_in_a_config_map_or_an_environment() -> None:
    stack = render(STACK | {"redisPassword": "unmistakable"}, reveal=True)
    assert "unmistakable" not in str([item for item in stack.objects if item["kind"] != "Secret"])
    keys = find(stack, "Secret", "archesai-redis-users")["stringData"]
    assert set(keys) == {"exporter", "dump", "restore", "replica", "sentinel", "proxy"}
    mounted = template(stack, "Deployment", PROXIES)["spec"]["volumes"]
    (sources,) = [volume["projected"]["sources"] for volume in mounted if "projected" in volume]
    assert [item["key"] for source in sources for item in source["secret"]["items"]] == ["proxy"]


def test_prometheus_asks_every_server_through_the_one_exporter() -> None:
    stack = render(STACK | {"monitoring": ON})
    endpoints = find(stack, "ServiceMonitor", "archesai-redis-exporter")["spec"]["endpoints"]
    hosts = [f"{SERVERS}-{number}" for number in range(3)]
    assert [item["params"]["target"] for item in endpoints] == [
        [f"redis://{host}.{SERVERS}-headless:6379"] for host in hosts
    ]
    assert [item["relabelings"][0]["replacement"] for item in endpoints] == hosts
    assert ("to", "redis-server", (6379,)) in _policy(stack, "archesai-redis-exporter")


def test_dumps_use_the_tools_of_the_servers_that_they_dump() -> None:
    backups = {"backups": ON | {"bucket": "elsewhere", "existingSecret": "keys"}}
    for redis, version in ((REPLICATED["redis"], versions.VALKEY), (ON, versions.REDIS)):
        stack = render(STACK | backups | {"redis": redis})
        containers = find(stack, "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]["containers"]
        (tools,) = [item for item in containers if item["name"] == "redis"]
        assert tools["image"] == f"{version.repository}:{version.tag}"
        assert variables(tools)["REDIS_HOST"] == "archesai-redis"


def test_a_restore_waits_for_servers_and_proxies_before_it_loads() -> None:
    config = STACK | {"backups": ON | {"bucket": "elsewhere", "existingSecret": "keys"}}
    backup = {"metadata": {"name": "b", "labels": {}}}
    steps = whole(settings_of(config), "dev", backup, None)
    (step,) = [step for step in steps if step.name == "servers"]
    assert step.spec is not None
    assert set(step.spec["labelSelector"]["matchExpressions"][0]["values"]) == {
        "database", "redis-server", "redis-proxy",
    }  # fmt: skip
    assert SERVERS in step.waits
    assert step.proxies == (PROXIES,)


def test_both_forms_share_no_object_that_is_replaced() -> None:
    shared = logical_names(render(ALONE | {"redis": ON}), "redis") & logical_names(render(ALONE | REPLICATED), "redis")
    assert shared == {
        "redis", "redis-service", "redis-secret", "redis-users", "redis-password",
        "redis-exporter-password", "redis-dump-password", "redis-restore-password",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("volumes", "warned"),
    [
        ({"archesai-redis-data": "5Gi"}, True),
        ({}, False),
        ({"archesai-redis-data": "5Gi", CLAIMS[0]: "5Gi"}, False),
    ],
)
def test_the_first_start_beside_data_of_one_pod_is_named_as_an_empty_one(
    volumes: dict[str, str], *, warned: bool
) -> None:
    settings = settings_of(STACK)
    found = list(starts(settings, volumes))
    assert bool(found) == warned
    assert all("starts empty: Valkey reads no data of Redis 7.4" in text for text in found)


def test_settings_of_one_pod_are_no_settings_of_three() -> None:
    with pytest.raises(ConfigError, match=r"redis\.claimName"):
        render(STACK | {"redis": ON | {"mode": "replicated", "claimName": "theirs"}})
