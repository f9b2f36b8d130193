"""Every image and chart version, once."""

from __future__ import annotations

from typing import NamedTuple


class ImageVersion(NamedTuple):
    """An image the program runs unless the stack names another."""

    repository: str
    tag: str


class ChartVersion(NamedTuple):
    """A chart by its OCI address and exact version."""

    address: str
    version: str


API = ImageVersion("archesai/api", "latest")
PLATFORM = ImageVersion("archesai/platform", "latest")
# The Debian release stays in the tag: another glibc sorts text differently and silently breaks text indexes.
DATABASE = ImageVersion("pgvector/pgvector", "0.8.6-pg16-bookworm")
REDIS = ImageVersion("redis", "7.4.11-alpine3.21")
RUSTFS = ImageVersion("rustfs/rustfs", "1.0.0")
# MinIO's images left Docker Hub in 2026-09; quay.io holds the last community release.
MINIO = ImageVersion("quay.io/minio/minio", "RELEASE.2025-09-07T16-13-09Z")
RCLONE = ImageVersion("rclone/rclone", "1.71.2")
UNSTRUCTURED = ImageVersion("downloads.unstructured.io/unstructured-io/unstructured-api", "0.1.2")
# Client and server versions of Playwright must be the same: the tag and the npm version change together.
PLAYWRIGHT = "1.55.0"
SCRAPER = ImageVersion("mcr.microsoft.com/playwright", f"v{PLAYWRIGHT}-noble")

TRAEFIK_CHART = ChartVersion("oci://ghcr.io/traefik/helm/traefik", "41.3.0")
CERT_MANAGER_CHART = ChartVersion("oci://quay.io/jetstack/charts/cert-manager", "v1.21.1")

POD_SECURITY = "v1.34"
"""Version of the Pod Security Standards that namespaces are held to: that of the oldest supported Kubernetes."""
