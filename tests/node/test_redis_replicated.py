"""A replicated redis on nodes: what writers through the proxies see when the primary's pod goes or its process dies.

Valkey is a build out of a package, HAProxy is Debian's; neither is the official image, and there is no TLS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from archesai_infra.components.redis.exporter import EXPORTER, EXPORTER_PORT
from archesai_infra.components.redis.replicated.names import HOSTS, SERVERS
from testbed.cluster.scenarios import alone
from testbed.controlplane.api import Object
from testbed.node import images, posture
from testbed.node.reaching import reach
from testbed.node.rig import Nodes
from testbed.node.stack import NodeStack
from testbed.node.writes import Writes, during
from testbed.redis_group.image import proxy_image
from testbed.stacks import Config

CHOSEN = "ARCHESAI_REDIS_REPLICATED"
"""Environment variable that has these tests run."""
SECONDS = 60.0
"""Bound on an outage on a busy machine."""
STACK: Config = {
    "environment": "development",
    "api": {"image": {"tag": "v1.0.0"}},
    "platform": {"enabled": False},
    "monitoring": {"enabled": True},
    "redis": {
        "enabled": True,
        "mode": "replicated",
        "image": {"repository": "local.test/valkey", "tag": "1"},
        "proxy": {"image": {"repository": "local.test/haproxy", "tag": "1"}},
    },
}
EXPLAINED = {
    r"archesai-redis-proxy-.*Unhealthy: Readiness probe failed": "a proxy is ready when two Sentinels name a primary",
    r"archesai-redis-server-.*Unhealthy: Readiness probe failed": "a replica is ready when it has the primary's data",
}
IMAGES = ("postgres", "valkey", "api-v1.0.0", "redis-exporter", "postgres-exporter")

Report = Callable[[str, object], None]

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Generator[Nodes]:
    """A node for each server."""
    if os.environ.get(CHOSEN) != "1":
        pytest.skip(f"starts a cluster of its own: {CHOSEN}=1 make test-node runs it")
    directory: Path = tmp_path_factory.mktemp("redis")
    proxies = proxy_image(directory / "proxy", print)
    with Nodes(directory / "nodes", nodes=3, images=[images.ensure(print, *IMAGES), proxies]) as started:
        yield started


@pytest.fixture(scope="module")
def stack(three: Nodes) -> NodeStack:
    """The api, a database and a replicated redis with its exporter."""
    return NodeStack(three, "dev", alone(STACK, "node-redis")).apply().wait_ready()


def _primary(stack: NodeStack) -> Object:
    """The pod that calls itself the primary; the only one."""
    asking = ("sh", "-c", ". /etc/redis/common.sh; local_cli 6379 ROLE | head -n 1")

    def role(pod: Object) -> str:
        name: str = pod["metadata"]["name"]
        return stack.cluster.exec(stack.namespace, name, *asking, container="redis").stdout.strip()

    (primary,) = [pod for pod in stack.pods(SERVERS) if role(pod) == "master"]
    return primary


def test_every_pod_is_ready_on_a_node_of_its_own_without_a_warning_that_nobody_explained(stack: NodeStack) -> None:
    assert stack.warnings({**posture.EXPLAINED, **EXPLAINED}) == []
    assert stack.restarts() == {}
    assert len({pod["spec"]["nodeName"] for pod in stack.pods(SERVERS)}) == len(HOSTS)


def test_pods_reach_what_the_flows_say_and_nothing_else(stack: NodeStack, three: Nodes) -> None:
    tried = reach(stack, three)
    assert tried.wrong == []
    assert 0 < len(tried.reached) < tried.tried


def test_the_exporter_asks_each_server(stack: NodeStack, three: Nodes) -> None:
    pod = stack.pod(EXPORTER)
    for host in HOSTS:
        url = f"http://{pod['status']['podIP']}:{EXPORTER_PORT}/scrape?target=redis://{host}:6379"
        program = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=10).read().decode())"
        done = three.in_pod_network(pod, sys.executable, "-c", program)
        assert "\nredis_up 1" in done.stdout, done


def _check(writes: Writes, report: Report) -> None:
    report("outage", writes.outage)
    report("missing", writes.missing)
    print(writes)
    assert writes.acknowledged > 0
    assert writes.failed > 0 or writes.outage > 1, "nothing happened to the writes"
    assert writes.outage < SECONDS


def test_a_primary_whose_pod_is_deleted_hands_over_without_a_loss(stack: NodeStack, record_property: Report) -> None:
    before = _primary(stack)
    writes = during(stack, "redis", lambda: stack.cluster.api.delete(before))
    _check(writes, record_property)
    assert writes.missing == 0
    stack.wait_ready()
    assert _primary(stack)["metadata"]["name"] != before["metadata"]["name"]


def test_a_primary_whose_process_is_killed_is_replaced_or_back(
    stack: NodeStack, three: Nodes, record_property: Report
) -> None:
    before = _primary(stack)
    writes = during(stack, "redis", lambda: three.kill(before, "redis"))
    _check(writes, record_property)
    # Replication is asynchronous: what the primary took last may be gone.
    assert writes.missing_age < 1
    stack.wait_ready()
    assert _primary(stack)
