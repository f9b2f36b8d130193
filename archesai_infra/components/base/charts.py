"""Helm releases: where charts come from and how a release behaves, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, NamedTuple

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.helm.v3 import Release
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pydantic import Field

from archesai_infra.components.base.chart_images import pinned
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.kube.chart_network import DEFAULT_DENY
from archesai_infra.kube.cilium import API as CILIUM_API
from archesai_infra.kube.cilium import KIND as CILIUM_KIND
from archesai_infra.kube.cilium import chart_entity_policies
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.model import Model
from archesai_infra.types import ImageDigest, ImageName, OciAddress
from archesai_infra.versions import POD_SECURITY, ChartVersion


class ChartsSettings(Model):
    """Where Helm charts come from."""

    mirror: OciAddress | None = None
    """OCI address that replaces the charts' own, such as `oci://registry.example.com/charts`."""
    directory: str | None = None
    """Directory with charts as `<name>-<version>.tgz`, for clusters without a way out; wins over `mirror`."""
    digests: dict[ImageName, ImageDigest] = Field(default_factory=dict)
    """Lock of the stack's charts: digest by `repository:version`, without the mirror. Written by
    `arches images --lock`; a chart with another content is refused, except one from `directory`."""
    timeout: int = Field(default=900, ge=60)
    """Time for one release, in seconds."""


class PodValues(NamedTuple):
    """Where a chart's values place its pods; read in the templates of the pinned versions."""

    placed: tuple[str, ...]
    """Dotted paths of the maps with `nodeSelector` and `tolerations`; an empty one is the values themselves."""
    priority: tuple[str, ...]
    """Dotted paths of the maps with `priorityClassName`."""
    pull_secrets: str
    """Dotted path of the list of pull secrets."""
    names_only: bool = False
    """Whether that list holds names instead of maps with a name."""


_PROMETHEUS_PODS = (
    "prometheusOperator",
    "prometheusOperator.admissionWebhooks.patch",
    "prometheus.prometheusSpec",
    "alertmanager.alertmanagerSpec",
    "grafana",
    "kube-state-metrics",
)
"""The exporter of the nodes' metrics tolerates every taint by itself."""
POD_VALUES = {
    "traefik": PodValues(("",), ("",), "deployment.imagePullSecrets"),
    "cert-manager": PodValues(("", "webhook", "cainjector", "startupapicheck"), ("global",), "global.imagePullSecrets"),
    "cloudnative-pg": PodValues(("",), ("",), "imagePullSecrets"),
    "plugin-barman-cloud": PodValues(("",), ("",), "imagePullSecrets"),
    # The node agent has to run wherever volumes are: it gets no node selector, see `_EVERYWHERE`.
    "velero": PodValues(("", "nodeAgent"), ("", "nodeAgent"), "image.imagePullSecrets", names_only=True),
    "prometheus-operator-crds": PodValues((), (), ""),
    "gateway-crds-helm": PodValues((), (), ""),
    "kube-prometheus-stack": PodValues(_PROMETHEUS_PODS, _PROMETHEUS_PODS, "global.imagePullSecrets"),
    "loki": PodValues(("defaults",), ("defaults",), "imagePullSecrets"),
    "alloy": PodValues(("controller",), ("controller",), "global.image.pullSecrets"),
}
"""By the name of the chart."""
_EVERYWHERE = {("velero", "nodeAgent")}
"""Daemons, by chart and path, which no node selector may keep from a node."""


@dataclass(frozen=True)
class Chart:
    """A chart to install as a release of a fixed name: Services and their URLs follow from it."""

    release: str
    namespace: str
    version: ChartVersion
    values: Mapping[str, Any]


def location(version: ChartVersion, settings: ChartsSettings) -> str:
    """Address or path of a chart; vendored charts come first, then the mirror, then the chart's own registry.

    Helm compares what the version names with the digest in an address.
    """
    name = version.address.rpartition("/")[2]
    if settings.directory is not None:
        return f"{settings.directory.rstrip('/')}/{name}-{version.version}.tgz"
    address = f"{settings.mirror}/{name}" if settings.mirror is not None else version.address
    digest = settings.digests.get(version.locked_as)
    return f"{address}@{digest}" if digest else address


def completed(chart: Chart, context: Context) -> dict[str, Any]:
    """The values of a chart with the stack's placement, pull secret and lock; what the chart's own values set stays."""
    name = chart.version.address.rpartition("/")[2]
    paths = POD_VALUES[name]
    placement = context.scheduling.placement()
    wanted: list[tuple[str, str, object]] = []
    for path in paths.placed:
        wanted.append((path, "tolerations", placement.tolerations))
        if (name, path) not in _EVERYWHERE:
            wanted.append((path, "nodeSelector", placement.node_selector))
    wanted += [(path, "priorityClassName", placement.priority_class) for path in paths.priority]
    if (secret := context.chart_pull_secret) is not None and paths.pull_secrets:
        path, _, key = paths.pull_secrets.rpartition(".")
        wanted.append((path, key, [secret if paths.names_only else {"name": secret}]))
    wanted += _pins(chart, context)
    values = dict(chart.values)
    for path, key, value in wanted:
        if value:
            values = _with(values, [*filter(None, path.split(".")), key], value)
    return values


def _pins(chart: Chart, context: Context) -> list[tuple[str, str, object]]:
    """Digests of the chart's images, but of those that its values replace by others."""
    wanted: list[tuple[str, str, object]] = []
    for path, key, value in pinned(chart.version, context.registry.digests):
        described: Any = reduce(lambda inner, part: inner.get(part, {}), path.split("."), chart.values)
        if not {"repository", "tag", "digest", "sha"} & set(described):
            wanted.append((path, key, value))
    return wanted


def _with(values: Mapping[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    """The values with one more key, unless it is set already."""
    first, *rest = path
    inner = _with(values.get(first, {}), rest, value) if rest else values.get(first, value)
    return {**values, first: inner}


def install(
    component: Component, chart: Chart, settings: ChartsSettings, *, depends_on: Sequence[pulumi.Resource] = ()
) -> Release:
    """Install a chart; a release that did not come up is rolled back, and five revisions are kept.

    Its pods run where those of the stack may run, name the stack's pull secret where a mirror serves their images, and
    pull by the digests of the lock.
    """
    return Release(
        f"{component.module}-{chart.release}",
        name=chart.release,
        namespace=chart.namespace,
        chart=location(chart.version, settings),
        version=chart.version.version,
        values=completed(chart, component.context),
        timeout=settings.timeout,
        atomic=component.context.production,
        cleanup_on_fail=True,
        max_history=5,
        opts=pulumi.ResourceOptions(
            parent=component,
            depends_on=list(depends_on),
            # A new release beside the old one would meet its cluster-wide objects.
            delete_before_replace=True,
        ),
    )


def chart_namespace(
    component: Component,
    name: str,
    level: Literal["restricted", "baseline", "privileged"] = "restricted",
    *,
    holds_data: bool = False,
) -> list[pulumi.Resource]:
    """A namespace for a chart, with its Pod Security level and network policies before anything runs in it.

    The namespace comes first, then its policies and its pull secret. A namespace with data is kept.
    """
    levels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    context = component.context
    own = labels(component.module, context.instance)
    namespace = Namespace(
        f"{component.module}-namespace-{name}",
        metadata={
            "name": name,
            "labels": own | levels | {"pod-security.kubernetes.io/enforce-version": POD_SECURITY},
        },
        opts=component.kept() if holds_data else component.clusterwide(),
    )
    made: list[pulumi.Resource] = [namespace, *_policies(component, name, namespace)]
    if context.chart_pull_secret is not None:
        made.append(component.pull_secret(name, f"pull-secret-{name}", depends_on=[namespace]))
    return made


def _policies(component: Component, name: str, namespace: Namespace) -> list[pulumi.Resource]:
    """Who reaches the pods of a chart's namespace, and whom they reach."""
    network, made = component.context.chart_network, list[pulumi.Resource]()
    for part, spec in chart_entity_policies(network, name).items():
        made.append(
            CustomResource(
                f"{component.module}-cilium-{name}-{part}",
                api_version=CILIUM_API,
                kind=CILIUM_KIND,
                metadata=component.metadata(object_name(f"cilium-chart-{part}"), namespace=name),
                spec=spec,
                opts=component.child(depends_on=[namespace]),
            )
        )
    for part, spec in network.policies(name).items():
        # What is open has to be open before the default closes the rest: the pods of an upgrade are there already.
        before = [namespace, *made] if part == DEFAULT_DENY else [namespace]
        made.append(
            NetworkPolicy(
                f"{component.module}-policy-{name}-{part}",
                metadata=component.metadata(object_name(f"chart-{part}"), namespace=name),
                spec=spec,
                opts=component.child(depends_on=before),
            )
        )
    return made
