"""Who the pods of the cluster are to network policies, and whom they talk to.

The operator labels them by its own scheme: https://cloudnative-pg.io/documentation/current/labels_annotations/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.kube.labels import NAME
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import API_PORTS, Addresses, Entity, Flow, MadePods, NamespacePods

CLUSTER_LABEL = "cnpg.io/cluster"
POD_ROLE = "cnpg.io/podRole"
INSTANCE_ROLE = "cnpg.io/instanceRole"
POOLER_LABEL = "cnpg.io/poolerName"
PORT = 5432
STATUS_PORT = 8000
"""Of the operator's process in each instance."""
METRICS_PORT = 9187
POOLER_METRICS_PORT = 9127
METRICS_PORT_NAME = "metrics"
POOLER = object_name("pooler")
"""The Pooler, and the Service that the operator makes for it."""


def _named(pods: str, settings: ClusterSettings) -> str:
    """A name of pods, which tells the generation unless it is the first: two may run at a time."""
    return pods if settings.generation == 1 else f"{pods}-{settings.generation}"


def members(settings: ClusterSettings) -> MadePods:
    """Every pod of the cluster: instances, the Jobs that make them, and PgBouncer."""
    return MadePods(_named("database-cluster", settings), ((CLUSTER_LABEL, settings.name),))


def instances(settings: ClusterSettings) -> MadePods:
    """The pods that serve."""
    return MadePods(_named("database-instances", settings), ((CLUSTER_LABEL, settings.name), (POD_ROLE, "instance")))


def poolers() -> MadePods:
    """The pods of PgBouncer; they are members of the cluster too."""
    return MadePods("database-pooler", ((POOLER_LABEL, POOLER),))


def operator(settings: ClusterSettings) -> NamespacePods:
    """The operator's pods."""
    return NamespacePods(settings.operator_namespace, ((NAME, "cloudnative-pg"),))


def primary_labels(settings: ClusterSettings) -> dict[str, str]:
    """Labels of the instance that writes; the operator moves them."""
    return {CLUSTER_LABEL: settings.name, INSTANCE_ROLE: "primary"}


def standby_labels(settings: ClusterSettings) -> dict[str, str]:
    """Labels of the instances that only read."""
    return {CLUSTER_LABEL: settings.name, INSTANCE_ROLE: "replica"}


def flows(settings: ClusterSettings, api_server: Iterable[Addresses | Entity]) -> Iterator[Flow]:
    """What the cluster needs to live: its operator, each other, and the API server, which holds the primary's lease."""
    own, serving = members(settings), instances(settings)
    yield Flow(operator(settings), serving, (PORT, STATUS_PORT))
    yield Flow(own, serving, (PORT, STATUS_PORT))
    yield from (Flow(own, peer, API_PORTS) for peer in api_server)
