"""Helm releases: where charts come from and how a release behaves, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.helm.v3 import Release
from pydantic import Field

from archesai_infra.components.base.component import Component
from archesai_infra.kube.labels import labels
from archesai_infra.model import Model
from archesai_infra.types import OciAddress
from archesai_infra.versions import POD_SECURITY, ChartVersion


class ChartsSettings(Model):
    """Where Helm charts come from."""

    mirror: OciAddress | None = None
    """OCI address that replaces the charts' own, such as `oci://registry.example.com/charts`."""
    directory: str | None = None
    """Directory with charts as `<name>-<version>.tgz`, for clusters without a way out; wins over `mirror`."""
    timeout: int = Field(default=900, ge=60)
    """Time for one release, in seconds."""


@dataclass(frozen=True)
class ImageSource:
    """Where the images inside a chart come from."""

    mirror: str | None = None
    """Registry that replaces every image's own."""
    pull_secret: str | None = None
    """Secret in the release's namespace that the mirror wants."""

    @property
    def pull_secrets(self) -> list[dict[str, str]]:
        """As pods have it; empty where none is wanted."""
        return [] if self.pull_secret is None else [{"name": self.pull_secret}]


@dataclass(frozen=True)
class Chart:
    """A chart to install as a release of a fixed name: Services and their URLs follow from it."""

    release: str
    namespace: str
    version: ChartVersion
    values: Mapping[str, Any]


def location(version: ChartVersion, settings: ChartsSettings) -> str:
    """Address or path of a chart; vendored charts come first, then the mirror, then the chart's own home."""
    name = version.address.rpartition("/")[2]
    if settings.directory is not None:
        return f"{settings.directory.rstrip('/')}/{name}-{version.version}.tgz"
    return f"{settings.mirror}/{name}" if settings.mirror is not None else version.address


def install(
    component: Component, chart: Chart, settings: ChartsSettings, *, depends_on: Sequence[pulumi.Resource] = ()
) -> Release:
    """Install a chart; a release that did not come up is rolled back, and five revisions are kept."""
    return Release(
        f"{component.module}-{chart.release}",
        name=chart.release,
        namespace=chart.namespace,
        chart=location(chart.version, settings),
        version=chart.version.version,
        values=chart.values,
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
) -> Namespace:
    """A namespace for a chart, held to a Pod Security level before anything runs in it; one with data is kept."""
    levels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    return Namespace(
        f"{component.module}-namespace-{name}",
        metadata={
            "name": name,
            "labels": labels(component.module, component.context.instance)
            | levels
            | {"pod-security.kubernetes.io/enforce-version": POD_SECURITY},
        },
        opts=component.kept() if holds_data else component.clusterwide(),
    )
