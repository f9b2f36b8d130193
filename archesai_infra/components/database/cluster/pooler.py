"""PgBouncer in front of the cluster: many connections of the api share few of the server.

https://cloudnative-pg.io/documentation/current/connection_pooling/. In transaction mode a session is not a client's for
long: clients that need one (migrations with their session lock, dumps, a person) connect to the server itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.settings import Resources, Workload, resources
from archesai_infra.components.database.cluster.network import POOLER, POOLER_LABEL
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.database.cluster.spec import API
from archesai_infra.types import Text

LOGIN_RETRY_SECONDS = 1
"""After a failed login to the server, PgBouncer keeps clients waiting for this long before it tries again. With its
default, 15 s, they hung for 15.2 s after a failover whose new primary was up after 3 s."""


class Pooler(Workload):
    """PgBouncer in transaction mode, for the api alone."""

    instances: int = Field(default=2, ge=1)
    """Pods."""
    pool_size: int = Field(default=25, ge=1)
    """Connections to the server that each pod shares among its clients."""
    reserve: int = Field(default=5, ge=0)
    """More of them, for clients that have waited for long."""
    max_clients: int = Field(default=1000, ge=1)
    """Connections that each pod takes from clients."""
    resources: Resources = resources(("100m", "64Mi"), ("1", "256Mi"))
    """CPU and memory of each pod."""
    parameters: dict[str, Text] = Field(default_factory=dict)
    """Any other parameter of PgBouncer by its name."""

    @property
    def parameters_in_use(self) -> dict[str, str]:
        """Parameters of PgBouncer; explicit settings win."""
        return {
            "max_client_conn": str(self.max_clients),
            "default_pool_size": str(self.pool_size),
            "reserve_pool_size": str(self.reserve),
            # The api's driver names its statements: PgBouncer has to know them on each connection.
            "max_prepared_statements": "200",
            "server_login_retry": str(LOGIN_RETRY_SECONDS),
            "query_wait_timeout": "30",
            # Milliseconds after which a server that does not answer is given up.
            "tcp_user_timeout": "15000",
        } | dict(self.parameters)


def pooler_spec(settings: Pooler, cluster: ClusterSettings, context: Context) -> dict[str, Any]:
    """Spec of the Pooler."""
    requirements = settings.resources.requirements()
    placement = settings.scheduling.over(context.scheduling).placement()
    container: dict[str, Any] = {
        "name": "pgbouncer",
        "image": context.image(settings.image, versions.PGBOUNCER),
        "resources": requirements,
    }
    if context.pull_policy is not None:
        container["imagePullPolicy"] = context.pull_policy
    own = {"matchLabels": {POOLER_LABEL: POOLER}}
    nodes = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    pod: dict[str, Any] = {
        "containers": [container],
        # The operator's, which brings its own program: without resources a quota refuses the pod.
        "initContainers": [{"name": "bootstrap-controller", "resources": requirements}],
        "topologySpreadConstraints": [nodes | {"labelSelector": own}],
    }
    if placement.node_selector:
        pod["nodeSelector"] = dict(placement.node_selector)
    if placement.tolerations:
        pod["tolerations"] = list(placement.tolerations)
    if placement.priority_class:
        pod["priorityClassName"] = placement.priority_class
    if context.pull_secret is not None:
        pod["imagePullSecrets"] = [{"name": context.pull_secret.name}]
    return {
        "cluster": {"name": cluster.name},
        "type": "rw",
        "instances": settings.instances,
        "pgbouncer": {"poolMode": "transaction", "parameters": settings.parameters_in_use},
        "template": {"spec": pod},
    }


def pooler(
    component: Component, settings: Pooler, cluster: ClusterSettings, after: Sequence[pulumi.Resource]
) -> CustomResource:
    """The Pooler and a budget for its pods, which the operator does not make."""
    PodDisruptionBudget(
        f"{component.module}-pooler-budget",
        metadata=component.metadata(POOLER),
        spec={
            "selector": {"match_labels": {POOLER_LABEL: POOLER}},
            "max_unavailable": 1,
            "unhealthy_pod_eviction_policy": "AlwaysAllow",
        },
        opts=component.child(),
    )
    waited = {"pulumi.com/waitFor": f"jsonpath={{.status.instances}}={settings.instances}"}
    return CustomResource(
        f"{component.module}-pooler",
        api_version=API,
        kind="Pooler",
        metadata=component.metadata(POOLER, waited),
        spec=pooler_spec(settings, cluster, component.context),
        opts=component.child(depends_on=after),
    )
