from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from testbed.cluster.deployed import Deployed
from testbed.cluster.parties import OUTSIDE, STRANGERS, neighbours, of_others, of_stack
from testbed.cluster.policies import Blocks, Network, Outside, Party
from testbed.controlplane.api import Object

pytestmark = pytest.mark.cluster

Connection = tuple[str, str, str]
"""Who opens it, to whom, on which port."""

TCP = (22, 53, 80, 443, 3000, 3001, 3100, 5432, 6379, 6443, 8000, 8080, 8089, 8443, 9000, 9001, 9090, 9121, 9187)
PORTS = [*((port, "TCP") for port in TCP), (53, "UDP"), (443, "UDP")]
"""Every port that some module listens on, and those that are worth an attempt."""

DEVELOPMENT: set[Connection] = {
    ("platform", "api", "3001"),
    ("api", "database", "5432"),
    ("api", "internet", "443"),
    ("api", "internet over IPv6", "443"),
    ("migrations", "database", "5432"),
}
EVERYTHING: set[Connection] = DEVELOPMENT | {
    ("api", "redis", "6379"),
    ("api", "storage", "9000"),
    ("api", "scraper", "8080"),
    ("api", "unstructured", "8000"),
    ("api", "private 10.20/16", "8443"),
    ("scraper", "internet", "80"),
    ("scraper", "internet", "443"),
    ("scraper", "internet over IPv6", "80"),
    ("scraper", "internet over IPv6", "443"),
    ("storage-bucket", "storage", "9000"),
    ("controller", "api", "3001"),
    ("controller", "platform", "3000"),
    ("controller", "storage", "9000"),
    ("controller", "certificate solver", "8089"),
    ("prometheus", "api", "3001"),
    ("prometheus", "database-exporter", "9187"),
    ("prometheus", "redis-exporter", "9121"),
    ("database-exporter", "database", "5432"),
    ("redis-exporter", "redis", "6379"),
    ("loki", "storage", "9000"),
    ("backups", "database", "5432"),
    ("backups", "redis", "6379"),
    ("backups-objects", "storage", "9000"),
    ("backups-objects", "internet", "443"),
    ("backups-objects", "internet over IPv6", "443"),
}
"""What the modules need; names are the components' own and those of `testbed.cluster.parties`."""

RESOLVERS = ("kube-dns", "node-local DNS", "metadata")

SERVICES = {
    "archesai-api": ("platform", 3001),
    "archesai-platform": ("controller", 3000),
    "archesai-postgres": ("api", 5432),
    "archesai-redis": ("api", 6379),
    "archesai-storage": ("api", 9000),
    "archesai-scraper": ("api", 8080),
    "archesai-unstructured": ("api", 8000),
    "archesai-database-exporter": ("prometheus", 9187),
    "archesai-redis-exporter": ("prometheus", 9121),
}
"""Every Service of a stack with everything, a client of it and the port the client is told."""

plugins = pytest.mark.parametrize("blocks", [Blocks.COUNT_PODS, Blocks.SPARE_PODS], ids=lambda blocks: blocks.value)


def resolving(connections: Iterable[Connection], own: Iterable[str]) -> set[Connection]:
    """Name resolution, for the stack's pods that open connections."""
    sources = {source for source, _, _ in connections} & set(own)
    return {(source, resolver, port) for source in sources for resolver in RESOLVERS for port in ("53", "53/UDP")}


@pytest.fixture(scope="module")
def beside(running: Callable[[str], Deployed]) -> dict[str, Object]:
    """Neighbours of the stack with everything, running; the runs of its CronJobs are there too."""
    stack = running("everything")
    pods = neighbours(stack)
    # A run's pods go a minute after its end, which is sooner than the last of these tests looks at them.
    jobs = [job | {"spec": job["spec"] | {"ttlSecondsAfterFinished": 86400}} for job in stack.jobs_of_cron_jobs()]
    strangers: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STRANGERS}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": STRANGERS}}
    stack.rig.apply([strangers]).check()
    stack.rig.wait_ready(account)
    stack.rig.apply([*pods.values(), *jobs]).check()
    stack.rig.wait_ready(*pods.values(), *jobs)
    return pods


def allowed(network: Network, own: Mapping[str, Party], others: Mapping[str, Party]) -> set[Connection]:
    """Every connection with an end in the stack that both sides' policies let pass."""
    parties = {**own, **others}
    return {
        (source, target, str(port) if protocol == "TCP" else f"{port}/{protocol}")
        for source in parties
        for target in parties
        if source != target and (source in own or target in own)
        for port, protocol in PORTS
        if network.judge(parties[source], parties[target], port, protocol).allowed
    }


@plugins
def test_a_stack_with_everything_has_these_connections_and_no_other(
    running: Callable[[str], Deployed], beside: dict[str, Object], blocks: Blocks
) -> None:
    stack, development = running("everything"), running("dev")
    network = Network.of(stack.rig.api, blocks)
    own, others = of_stack(network, stack.namespace), of_others(network, beside)
    other_stack = {f"dev {name}": pod for name, pod in of_stack(network, development.namespace).items()}
    guests = {name: others.pop(name) for name in ("certificate solver", "bystander")}
    modules = {source for source, _, _ in EVERYTHING} | {target for _, target, _ in EVERYTHING}
    assert set(own) == (modules | {"backups-drill"}) - set(OUTSIDE) - {*others, *guests}
    found = allowed(network, own | guests, OUTSIDE | others | other_stack)
    assert found == EVERYTHING | resolving(EVERYTHING, own)


@plugins
def test_the_development_stack_has_these_connections_and_no_other(
    running: Callable[[str], Deployed], beside: dict[str, Object], blocks: Blocks
) -> None:
    stack, neighbour = running("dev"), running("everything")
    network = Network.of(stack.rig.api, blocks)
    own = of_stack(network, stack.namespace)
    other_stack = {f"other {name}": pod for name, pod in of_stack(network, neighbour.namespace).items()}
    assert set(own) == {"api", "platform", "database", "migrations"}
    found = allowed(network, own, OUTSIDE | of_others(network, beside) | other_stack)
    assert found == DEVELOPMENT | resolving(DEVELOPMENT, own)


@plugins
@pytest.mark.parametrize("port", [443, 6443])
def test_an_api_with_access_to_kubernetes_reaches_its_server_and_nothing_else_on_its_ports(
    running: Callable[[str], Deployed], port: int, blocks: Blocks
) -> None:
    stack = running("everything-else")
    network = Network.of(stack.rig.api, blocks)
    api = of_stack(network, stack.namespace)["api"]
    found = {name for name, party in OUTSIDE.items() if network.judge(api, party, port).allowed}
    public = {"internet", "internet over IPv6"} if port == 443 else set[str]()
    assert found == public | {"the API server"}


@pytest.mark.parametrize(("service", "client", "port"), [(name, *told) for name, told in SERVICES.items()])
def test_clients_get_through_services_to_every_pod_behind_them(
    running: Callable[[str], Deployed], beside: dict[str, Object], service: str, client: str, port: int
) -> None:
    stack = running("everything")
    network = Network.of(stack.rig.api)
    source = (of_stack(network, stack.namespace) | of_others(network, beside))[client]
    behind = list(network.behind(service, stack.namespace, port))
    assert behind
    assert all(network.judge(source, pod, number, protocol).allowed for pod, number, protocol in behind)
    assert set(SERVICES) == {
        item["metadata"]["name"]
        for item in stack.of_kind("Service")
        if not item["metadata"]["name"].endswith("-headless")
    }


@pytest.mark.parametrize(
    ("source", "target", "port", "expected"),
    [
        ("controller", "grafana", 3000, True),
        ("controller", "prometheus", 9090, False),
        ("controller", "loki", 3100, False),
        ("beside the controller", "grafana", 3000, False),
        ("false controller", "grafana", 3000, False),
        ("grafana", "prometheus", 9090, True),
        ("grafana", "loki", 3100, True),
        ("api", "prometheus", 9090, False),
        ("scraper", "loki", 3100, False),
        ("scraper", "grafana", 3000, False),
        ("internet", "grafana", 3000, False),
        ("velero", "grafana", 3000, False),
        ("false prometheus", "loki", 3100, False),
    ],
)
def test_monitoring_is_open_to_itself_and_grafana_to_the_controller(
    running: Callable[[str], Deployed],
    beside: dict[str, Object],
    source: str,
    target: str,
    port: int,
    expected: bool,  # noqa: FBT001
) -> None:
    stack = running("everything")
    network = Network.of(stack.rig.api)
    parties = of_stack(network, stack.namespace) | of_others(network, beside) | OUTSIDE
    assert network.judge(parties[source], parties[target], port).allowed is expected


@plugins
def test_pages_in_the_scraper_see_nothing_but_the_public_internet(
    running: Callable[[str], Deployed], beside: dict[str, Object], blocks: Blocks
) -> None:
    """Every port, not only those of the table: what runs in there was written by strangers."""
    stack = running("everything")
    network = Network.of(stack.rig.api, blocks)
    own, others = of_stack(network, stack.namespace), of_others(network, beside)
    scraper = own.pop("scraper")
    targets = {**own, **others, **OUTSIDE}
    reached = {
        (name, port)
        for name, party in targets.items()
        for port in (*TCP, 25, 111, 2049, 2379, 3306, 8443, 9200, 10250, 11211, 27017)
        if network.judge(scraper, party, port).allowed
    }
    assert reached == {
        *((name, port) for name in ("internet", "internet over IPv6") for port in (80, 443)),
        *((resolver, 53) for resolver in RESOLVERS),
    }
    assert not network.judge(scraper, Outside("169.254.170.2"), 80).leaves
