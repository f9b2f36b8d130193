"""The operator CloudNativePG as a Helm release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from archesai_infra import versions
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.kube.images import image_pull_policy

RELEASE = "cloudnative-pg"
_RESOURCES = resources(("100m", "256Mi"), ("1", "512Mi"))


def values(settings: ClusterSettings, context: Context) -> dict[str, Any]:
    """Values of the chart.

    It watches every namespace, as the only operator that the definitions and webhooks of a cluster can have.
    """
    reference = context.image(settings.operator_image, versions.CLOUDNATIVE_PG)
    image, at, digest = reference.partition("@")
    repository, _, tag = image.rpartition(":")
    return {
        "image": {
            "repository": repository,
            # The chart joins both by a colon, and gives the result to every instance too.
            "tag": f"{tag}{at}{digest}",
            "pullPolicy": context.pull_policy or image_pull_policy(reference),
        },
        "replicaCount": settings.operator_replicas,
        "resources": _RESOURCES.requirements(),
    }


def install(component: Component, settings: ClusterSettings, where: charts.ChartsSettings) -> Sequence[pulumi.Resource]:
    """The operator in a namespace of its own, with its definitions, which an uninstallation leaves."""
    namespace = charts.chart_namespace(component, settings.operator_namespace)
    chart = charts.Chart(
        RELEASE, settings.operator_namespace, versions.CLOUDNATIVE_PG_CHART, values(settings, component.context)
    )
    return [*namespace, charts.install(component, chart, where, depends_on=namespace)]
