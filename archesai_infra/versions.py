"""Every image and chart version, once."""

from __future__ import annotations

import re
from typing import NamedTuple


class ImageVersion(NamedTuple):
    """An image the program runs unless the stack names another."""

    repository: str
    tag: str


class ChartVersion(NamedTuple):
    """A chart by its OCI address and exact version."""

    address: str
    version: str

    @property
    def locked_as(self) -> str:
        """`repository:version`, the name of the chart in a lock."""
        return f"{self.address.removeprefix('oci://')}:{self.version}"


API = ImageVersion("archesai/api", "latest")
PLATFORM = ImageVersion("archesai/platform", "latest")
# The Debian release stays in the tag: another glibc sorts text differently and silently breaks text indexes.
DATABASE = ImageVersion("pgvector/pgvector", "0.8.6-pg16-bookworm")
# A rolling tag, rebuilt for its packages: a lock pins the digest. `standard` holds pgvector; Debian's release stays.
POSTGRES = ImageVersion("ghcr.io/cloudnative-pg/postgresql", "16.15-standard-trixie")
PGBOUNCER = ImageVersion("ghcr.io/cloudnative-pg/pgbouncer", "1.25.2")
REDIS = ImageVersion("redis", "7.4.11-alpine3.21")
# From 9.0 on a Sentinel can hand over without losing writes.
VALKEY = ImageVersion("valkey/valkey", "9.1.2-alpine")
HAPROXY = ImageVersion("haproxy", "3.2.24-alpine")
RUSTFS = ImageVersion("rustfs/rustfs", "1.0.0")
# MinIO's images left Docker Hub in 2026-09; quay.io holds the last community release.
MINIO = ImageVersion("quay.io/minio/minio", "RELEASE.2025-09-07T16-13-09Z")
RCLONE = ImageVersion("rclone/rclone", "1.71.2")
UNSTRUCTURED = ImageVersion("downloads.unstructured.io/unstructured-io/unstructured-api", "0.1.2")
# Client and server versions of Playwright must be the same: the tag and the npm version change together.
PLAYWRIGHT = "1.55.0"
SCRAPER = ImageVersion("mcr.microsoft.com/playwright", f"v{PLAYWRIGHT}-noble")

TRAEFIK_CHART = ChartVersion("oci://ghcr.io/traefik/helm/traefik", "41.3.0")
VELERO = ImageVersion("docker.io/velero/velero", "v1.18.3")
# The plugin's minor version goes with the server's: 1.14 with 1.18.
VELERO_PLUGIN = ImageVersion("docker.io/velero/velero-plugin-for-aws", "v1.14.3")
VELERO_CHART = ChartVersion("oci://ghcr.io/vmware-tanzu/charts/velero", "12.1.0")
# Brings the standard channel of Gateway API 1.6.1.
GATEWAY_API_CHART = ChartVersion("oci://docker.io/envoyproxy/gateway-crds-helm", "v1.9.1")
# The chart brings the definitions of the operator's version: both change together.
CLOUDNATIVE_PG = ImageVersion("ghcr.io/cloudnative-pg/cloudnative-pg", "1.30.0")
CLOUDNATIVE_PG_CHART = ChartVersion("oci://ghcr.io/cloudnative-pg/charts/cloudnative-pg", "0.29.0")
# 0.15.0 restores no log where its scratch directory is read-only.
BARMAN_PLUGIN = ImageVersion("ghcr.io/cloudnative-pg/plugin-barman-cloud", "v0.14.0")
BARMAN_SIDECAR = ImageVersion("ghcr.io/cloudnative-pg/plugin-barman-cloud-sidecar", "v0.14.0")
BARMAN_CHART = ChartVersion("oci://ghcr.io/cloudnative-pg/charts/plugin-barman-cloud", "0.7.1")
CERT_MANAGER_CHART = ChartVersion("oci://quay.io/jetstack/charts/cert-manager", "v1.21.1")

# Loki and Grafana moved to the community's repository in 2026; the charts' old home holds the Enterprise edition.
PROMETHEUS_CRDS_CHART = ChartVersion("oci://ghcr.io/prometheus-community/charts/prometheus-operator-crds", "31.0.1")
PROMETHEUS_CHART = ChartVersion("oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack", "88.5.3")
LOKI_CHART = ChartVersion("oci://ghcr.io/grafana-community/helm-charts/loki", "18.11.0")
ALLOY_CHART = ChartVersion("oci://ghcr.io/grafana/helm-charts/alloy", "1.11.1")
POSTGRES_EXPORTER = ImageVersion("quay.io/prometheuscommunity/postgres-exporter", "v0.20.1")
REDIS_EXPORTER = ImageVersion("oliver006/redis_exporter", "v1.89.0")

POD_SECURITY = "v1.34"
"""Version of the Pod Security Standards that namespaces are held to: that of the oldest supported Kubernetes."""


def database(major: int) -> ImageVersion:
    """The image of another major version of PostgreSQL: pgvector publishes each of its versions for all of them.

    Tags: https://hub.docker.com/r/pgvector/pgvector/tags.
    """
    return DATABASE._replace(tag=re.sub(r"\bpg\d+", f"pg{major}", DATABASE.tag))
