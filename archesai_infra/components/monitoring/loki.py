"""Values of the Loki chart: one pod that takes, keeps and searches logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archesai_infra.components.monitoring.settings import Logs

RELEASE = "loki"
PORT = 3100
CLAIM = f"storage-{RELEASE}-0"
"""Claim that the chart's StatefulSet makes for the pod."""
KEYS_SECRET = "loki-object-storage"
SCHEMA_START = "2024-04-01"
"""First day of the index schema; an entry that has been in use must never change."""
_KEY_PATHS = {"accessKeyId": "ACCESS_KEY", "secretAccessKey": "SECRET_KEY"}


@dataclass(frozen=True)
class Bucket:
    """Where logs are kept in the stack's object storage."""

    url: str
    region: str
    name: str
    secret: str
    """Secret in Loki's namespace with the keys `ACCESS_KEY` and `SECRET_KEY`."""


def url(namespace: str) -> str:
    """Address of Loki inside the cluster."""
    return f"http://{RELEASE}.{namespace}.svc:{PORT}"


def values(settings: Logs, bucket: Bucket | None, mirror: str | None) -> dict[str, Any]:
    """All values of the release; the keys of the object storage come from a Secret."""
    built: dict[str, Any] = {
        "deploymentMode": "Monolithic",
        "loki": _loki(settings, bucket),
        "singleBinary": _single_binary(settings, bucket),
        "rbac": {"namespaced": True},
        # The chart refuses to render one pod beside the parts of its other modes.
        **{part: {"replicas": 0} for part in ("read", "write", "backend")},
        **{part: {"enabled": False} for part in _UNUSED},
        "sidecar": {"rules": {"enabled": False}},
        "monitoring": {"serviceMonitor": {"enabled": True}},
    }
    if mirror is not None:
        built["global"] = {"imageRegistry": mirror}
    return built


_UNUSED = ("chunksCache", "resultsCache", "lokiCanary", "test", "gateway", "ruler")


def _loki(settings: Logs, bucket: Bucket | None) -> dict[str, Any]:
    store = "filesystem" if bucket is None else "s3"
    index = {"prefix": "loki_index_", "period": "24h"}
    schema = {"from": SCHEMA_START, "store": "tsdb", "object_store": store, "schema": "v13", "index": index}
    return {
        "auth_enabled": False,
        "commonConfig": {"replication_factor": 1},
        "schemaConfig": {"configs": [schema]},
        "storage": {"type": "filesystem"} if bucket is None else _s3(bucket),
        "limits_config": {"retention_period": f"{settings.retention_days * 24}h"},
        # Without a store for delete requests Loki does not start; a compactor block elsewhere is dropped in silence.
        "compactor": {"retention_enabled": True, "delete_request_store": store},
        "analytics": {"reporting_enabled": False},
    }


def _s3(bucket: Bucket) -> dict[str, Any]:
    # Loki fills in the environment's values when it starts: the chart passes -config.expand-env.
    keys = {name: f"${{{key}}}" for name, key in _KEY_PATHS.items()}
    address = {
        "endpoint": bucket.url,
        "region": bucket.region,
        "s3ForcePathStyle": True,
        "insecure": urlsplit(bucket.url).scheme == "http",
    }
    return {"type": "s3", "bucketNames": {"chunks": bucket.name}, "s3": address | keys}


def _single_binary(settings: Logs, bucket: Bucket | None) -> dict[str, Any]:
    persistence: dict[str, Any] = {"size": settings.size}
    if settings.storage_class:
        persistence["storageClass"] = settings.storage_class
    built: dict[str, Any] = {
        "replicas": 1,
        "persistence": persistence,
        "resources": settings.resources.requirements(),
    }
    if bucket is not None:
        built["extraEnvFrom"] = [{"secretRef": {"name": bucket.secret}}]
    return built
