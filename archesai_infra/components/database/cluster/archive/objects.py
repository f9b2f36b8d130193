"""The objects of the archive, by the API of the Barman Cloud plugin 0.14: https://cloudnative-pg.io/plugin-barman-cloud/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra.components.database.cluster.archive.settings import Archive, Recovery
from archesai_infra.components.database.cluster.settings import CLUSTER, ClusterSettings
from archesai_infra.kube.names import object_name

PLUGIN = "barman-cloud.cloudnative-pg.io"
API = "barmancloud.cnpg.io/v1"
STORE = CLUSTER
"""Name of the ObjectStore, which all clusters of a stack share: each has an archive of its own in it."""
SECRET = object_name("database-archive")
ACCESS_KEY, SECRET_KEY = "ACCESS_KEY", "SECRET_KEY"
_SECONDS = "0"
"""The operator's schedules begin with a field for seconds."""


@dataclass(frozen=True)
class Bucket:
    """Where the archive lies."""

    destination: str
    """`s3://bucket/path`."""
    region: str
    endpoint: str | None
    """URL of an S3 service that is not AWS."""


def archive_name(settings: ClusterSettings) -> str:
    """Name of a cluster's archive below the destination. One that holds another history is refused by the operator."""
    return f"{settings.name}-{settings.archive.generation}"


def plugins(settings: ClusterSettings) -> list[dict[str, Any]]:
    """The plugin that archives the log, in a Cluster."""
    return [{"name": PLUGIN, "isWALArchiver": True, "parameters": _parameters(archive_name(settings))}]


def source(recovery: Recovery) -> dict[str, Any]:
    """The archive that a cluster begins from, as an external cluster of it."""
    return {"name": recovery.source, "plugin": {"name": PLUGIN, "parameters": _parameters(recovery.source)}}


def _parameters(name: str) -> dict[str, str]:
    return {"barmanObjectName": STORE, "serverName": name}


def store_spec(settings: Archive, bucket: Bucket, keys: pulumi.Input[str] | None) -> dict[str, Any]:
    """Spec of the ObjectStore; without a Secret of keys a role takes their place."""
    access: dict[str, Any] = {"inheritFromIAMRole": True}
    if keys is not None:
        named = {"accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY}
        access = {field: {"name": keys, "key": key} for field, key in named.items()}
    configuration: dict[str, Any] = {
        "destinationPath": bucket.destination,
        "s3Credentials": access,
        "wal": {"compression": "gzip", "maxParallel": 4},
        "data": {"compression": "gzip", "jobs": 2, "immediateCheckpoint": True},
    }
    if bucket.endpoint is not None:
        configuration["endpointURL"] = bucket.endpoint
    return {
        "retentionPolicy": settings.retention,
        "configuration": configuration,
        "instanceSidecarConfiguration": {
            "resources": settings.resources.requirements(),
            "env": [{"name": name, "value": value} for name, value in variables(bucket).items()],
        },
    }


def variables(bucket: Bucket) -> dict[str, str]:
    """Environment in clear of the programs that read and write the archive."""
    found = {"AWS_DEFAULT_REGION": bucket.region}
    if bucket.endpoint is not None:
        # Newer clients send checksums that many S3 services refuse.
        found |= dict.fromkeys(("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"), _REQUIRED)
    return found


_REQUIRED = "when_required"


def role(settings: Archive) -> dict[str, str]:
    """Annotations of a service account that has the role in place of keys."""
    return {"eks.amazonaws.com/role-arn": settings.role_arn} if settings.role_arn is not None else {}


def schedule_spec(settings: ClusterSettings) -> dict[str, Any]:
    """Spec of the ScheduledBackup of a cluster: the first base backup comes at once."""
    return {
        "schedule": f"{_SECONDS} {settings.archive.cron}",
        "immediate": True,
        "backupOwnerReference": "none",
        "target": "prefer-standby",
        "cluster": {"name": settings.name},
        "method": "plugin",
        "pluginConfiguration": {"name": PLUGIN},
    }
