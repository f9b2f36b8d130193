"""The Barman Cloud plugin as a Helm release, in the operator's namespace, which is where the operator looks for it."""

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

RELEASE = "plugin-barman-cloud"
_RESOURCES = resources(("50m", "128Mi"), ("500m", "256Mi"))


def values(settings: ClusterSettings, context: Context) -> dict[str, Any]:
    """Values of the chart."""
    archive = settings.archive
    image = context.image(archive.plugin_image, versions.BARMAN_PLUGIN)
    sidecar = context.image(archive.sidecar_image, versions.BARMAN_SIDECAR)
    return {
        "image": _parts(image) | {"pullPolicy": context.pull_policy or image_pull_policy(image)},
        "sidecarImage": _parts(sidecar),
        "resources": _RESOURCES.requirements(),
    }


def _parts(reference: str) -> dict[str, str]:
    """An image as the chart takes it apart; it joins repository and tag by a colon, digest or not."""
    name, at, digest = reference.partition("@")
    path, _, tag = name.rpartition(":")
    registry, _, repository = path.partition("/")
    return {"registry": registry, "repository": repository, "tag": f"{tag}{at}{digest}"}


def install(
    component: Component, settings: ClusterSettings, where: charts.ChartsSettings, after: Sequence[pulumi.Resource]
) -> pulumi.Resource:
    """The plugin, after the operator and cert-manager, which makes its certificates."""
    chart = charts.Chart(
        RELEASE, settings.operator_namespace, versions.BARMAN_CHART, values(settings, component.context)
    )
    return charts.install(component, chart, where, depends_on=after)
