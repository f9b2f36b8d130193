"""What a stack declares of a cluster of instances; the operator makes the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from archesai_infra.components.base.component import SKIP_AWAIT, Component
from archesai_infra.components.database.cluster.network import PORT, standby_labels
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.database.cluster.spec import API, Content, cluster_spec
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import made_pods, made_policy_spec, service_ports

READY = {"pulumi.com/waitFor": "condition=Ready"}
ORPHAN = {"pulumi.com/deletionPropagationPolicy": "orphan"}
"""Claims belong to their Cluster and would go with it; a later Cluster of the same name takes them over."""
TIMEOUT = "45m"
"""A new instance copies the whole database; an update restarts one instance after the other."""


def cluster(
    component: Component, settings: ClusterSettings, content: Content, after: Sequence[pulumi.Resource]
) -> CustomResource:
    """The Cluster. Production protects it, and retains it where the stack retains its data."""
    context = component.context
    annotations = READY | (ORPHAN if context.retain else {})
    options = component.guarded(depends_on=after)
    options.retain_on_delete = context.retain and context.production
    options.custom_timeouts = pulumi.CustomTimeouts(create=TIMEOUT, update=TIMEOUT)
    return CustomResource(
        f"{component.module}-cluster-{settings.generation}",
        api_version=API,
        kind="Cluster",
        metadata=component.metadata(settings.name, annotations),
        spec=cluster_spec(settings, content, context),
        opts=options,
    )


def policies(component: Component) -> list[pulumi.Resource]:
    """Policies of the pods that the operator makes, before it makes them: without, default deny keeps them apart."""
    flows = component.context.flows
    return [
        NetworkPolicy(
            f"{component.module}-policy-{pods.name}",
            metadata=component.metadata(object_name(pods.name)),
            spec=made_policy_spec(pods, component.context.instance, flows),
            opts=component.child(),
        )
        for pods in made_pods(flows)
    ]


def read_service(component: Component, name: str, settings: ClusterSettings) -> None:
    """The address of the standbys."""
    Service(
        f"{component.module}-read-service",
        metadata=component.metadata(name, SKIP_AWAIT),
        spec={
            "type": "ClusterIP",
            "ports": service_ports({"postgres": PORT}),
            "selector": standby_labels(settings),
        },
        opts=component.child(),
    )
