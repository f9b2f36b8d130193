"""The images that charts name by themselves, and the values that pin them; read in the charts of these versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from archesai_infra import versions
from archesai_infra.versions import ChartVersion, ImageVersion


class Pin(Enum):
    """How a chart takes a digest: the name of the value, and whether its template adds the algorithm itself."""

    DIGEST = ("digest", False)
    SHA = ("sha", False)
    HEX_SHA = ("sha", True)

    @property
    def key(self) -> str:
        """Name of the value."""
        return self.value[0]

    def text(self, digest: str) -> str:
        """The value for a digest such as `sha256:…`."""
        return digest.partition(":")[2] if self.value[1] else digest


class ChartImage(NamedTuple):
    """An image of a chart."""

    path: str
    """Dotted path of the map that describes it in the chart's values."""
    image: ImageVersion
    pin: Pin = Pin.DIGEST

    @property
    def locked_as(self) -> str:
        """`repository:tag`, the name in a lock."""
        return f"{self.image.repository}:{self.image.tag}"


def _cert_manager() -> Iterator[ChartImage]:
    parts = {
        "image": "controller",
        "webhook.image": "webhook",
        "cainjector.image": "cainjector",
        "acmesolver.image": "acmesolver",
        "startupapicheck.image": "startupapicheck",
    }
    for path, name in parts.items():
        yield ChartImage(path, ImageVersion(f"quay.io/jetstack/cert-manager-{name}", "v1.21.1"))


def _prometheus() -> Iterator[ChartImage]:
    project, operator = "quay.io/prometheus", "quay.io/prometheus-operator"
    hexadecimal = {
        "prometheusOperator.image": ImageVersion(f"{operator}/prometheus-operator", "v0.93.1"),
        "prometheusOperator.prometheusConfigReloader.image": ImageVersion(
            f"{operator}/prometheus-config-reloader", "v0.93.1"
        ),
        "prometheusOperator.thanosImage": ImageVersion("quay.io/thanos/thanos", "v0.42.4"),
        "prometheus.prometheusSpec.image": ImageVersion(f"{project}/prometheus", "v3.14.0-distroless"),
        "alertmanager.alertmanagerSpec.image": ImageVersion(f"{project}/alertmanager", "v0.34.0"),
        "grafana.image": ImageVersion("docker.io/grafana/grafana", "13.2.0"),
    }
    for path, image in hexadecimal.items():
        yield ChartImage(path, image, Pin.HEX_SHA)
    state = ImageVersion("registry.k8s.io/kube-state-metrics/kube-state-metrics", "v2.20.0")
    yield ChartImage("kube-state-metrics.image", state, Pin.SHA)
    yield ChartImage("prometheus-node-exporter.image", ImageVersion(f"{project}/node-exporter", "v1.12.1-distroless"))


class _Images(NamedTuple):
    version: str
    images: tuple[ChartImage, ...]


CHART_IMAGES: Mapping[str, _Images] = {
    versions.TRAEFIK_CHART.address: _Images(
        "41.3.0", (ChartImage("image", ImageVersion("docker.io/traefik", "v3.7.11")),)
    ),
    versions.CERT_MANAGER_CHART.address: _Images("v1.21.1", tuple(_cert_manager())),
    versions.PROMETHEUS_CHART.address: _Images("88.5.3", tuple(_prometheus())),
    versions.LOKI_CHART.address: _Images(
        "18.11.0", (ChartImage("loki.image", ImageVersion("docker.io/grafana/loki", "3.7.6")),)
    ),
    versions.ALLOY_CHART.address: _Images(
        "1.11.1", (ChartImage("image", ImageVersion("docker.io/grafana/alloy", "v1.18.1")),)
    ),
}
"""By the address of the chart. The other charts run images that the stack's settings name, or none."""


def images_of(chart: ChartVersion) -> tuple[ChartImage, ...]:
    """The images of a chart's own values that a lock can pin; none for a version that was not read."""
    known = CHART_IMAGES.get(chart.address)
    return known.images if known is not None and known.version == chart.version else ()


def pinned(chart: ChartVersion, digests: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, key and value of each value that pins an image of the chart to the lock."""
    for item in images_of(chart):
        if digest := digests.get(item.locked_as):
            yield item.path, item.pin.key, item.pin.text(digest)
