"""Velero as a Helm release: the values of its chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from archesai_infra import versions
from archesai_infra.components.backups.keys import CLOUD_KEY, CLOUD_SECRET
from archesai_infra.components.backups.schedules import LOCATION, canonical
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.settings import ImageSource, Scheduling
from archesai_infra.kube.images import image_pull_policy
from archesai_infra.kube.pods import UNPRIVILEGED_ID

RELEASE = "velero"
METRICS_PORT = 8085
"""Of the server and of the node agent."""
_SERVER_ID = 1002
"""User of the image; it names it by a word, which Pod Security does not take for a number."""
_RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def values(
    settings: BackupsSettings,
    registry: ImageSource,
    *,
    monitor_labels: Mapping[str, str] | None,
    pull_policy: str | None,
    scheduling: Scheduling,
) -> dict[str, Any]:
    """Values of the chart; no secret among them, only the names of Secrets.

    `monitor_labels` are additional labels of its monitors; with None it has no monitors. `scheduling` is the stack's.
    """
    velero = settings.velero
    tag = velero.image.tag_or(versions.VELERO)
    server, _, digest = velero.image.reference(versions.VELERO, registry).partition("@")
    policy = pull_policy or image_pull_policy(f"{server}@{digest}" if digest else server)
    image: dict[str, Any] = {"repository": server.rpartition(":")[0], "tag": tag, "pullPolicy": policy}
    if digest:
        image["digest"] = digest
    built: dict[str, Any] = {
        "image": image,
        "initContainers": [_plugin(settings, registry, pull_policy)],
        "credentials": _credentials(settings),
        "configuration": _configuration(settings),
        "snapshotsEnabled": settings.snapshots.enabled,
        "deployNodeAgent": True,
        "nodeAgent": _node_agent(settings, scheduling),
        "resources": velero.resources.requirements(),
        "upgradeJobResources": _small(),
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": _SERVER_ID,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": _RESTRICTED,
        # The chart would give it cluster-admin, and a Role with wildcards in its own namespace: see `rights`.
        "rbac": {"create": False, "clusterAdministrator": False},
        "metrics": _metrics(monitor_labels),
        "configMaps": {"fs-restore-action-config": _restore_helper()},
    }
    if velero.role_arn:
        built["serviceAccount"] = {"server": {"annotations": {"eks.amazonaws.com/role-arn": velero.role_arn}}}
    return built


def _node_agent(settings: BackupsSettings, scheduling: Scheduling) -> dict[str, Any]:
    """It copies the dumps' volume on the node of their pod: what that tolerates, it tolerates."""
    tolerations = settings.dump.scheduling.over(scheduling).placement().tolerations
    return {
        "resources": settings.velero.node_agent_resources.requirements(),
        **({"tolerations": list(tolerations)} if tolerations else {}),
    }


def _plugin(settings: BackupsSettings, registry: ImageSource, pull_policy: str | None) -> dict[str, Any]:
    image = settings.velero.plugin_image.reference(versions.VELERO_PLUGIN, registry)
    return {
        "name": "velero-plugin-for-aws",
        "image": image,
        "imagePullPolicy": pull_policy or image_pull_policy(image),
        "volumeMounts": [{"mountPath": "/target", "name": "plugins"}],
        "securityContext": {
            **_RESTRICTED,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": _small(),
    }


def _small() -> dict[str, Any]:
    return {
        "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
        "limits": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
    }


def _credentials(settings: BackupsSettings) -> dict[str, Any]:
    if settings.velero.role_arn:
        return {"useSecret": False}
    return {"useSecret": True, "existingSecret": settings.existing_secret or CLOUD_SECRET}


def _configuration(settings: BackupsSettings) -> dict[str, Any]:
    # Values of `config` are text, whatever they mean.
    config = {"region": settings.region}
    if settings.endpoint:
        config |= {"s3ForcePathStyle": "true", "s3Url": settings.endpoint, "checksumAlgorithm": ""}
    location: dict[str, Any] = {
        "name": LOCATION,
        "provider": "aws",
        "bucket": settings.bucket,
        "prefix": settings.path("velero"),
        "default": True,
        "config": config,
    }
    if not settings.velero.role_arn:
        # Named here too: Velero then reads the Secret itself and follows a change of it.
        location["credential"] = {"name": settings.existing_secret or CLOUD_SECRET, "key": CLOUD_KEY}
    built: dict[str, Any] = {
        "defaultBackupTTL": canonical(settings.schedules.hourly.ttl),
        "backupStorageLocation": [location],
        # The cache would list and watch every restored kind in all namespaces, and waits for it without an end.
        "disableInformerCache": True,
    }
    if settings.snapshots.enabled:
        built["features"] = "EnableCSI"
        built["volumeSnapshotLocation"] = [
            {"name": LOCATION, "provider": "aws", "config": {"region": settings.region}},
        ]
    return built


def _metrics(monitor_labels: Mapping[str, str] | None) -> dict[str, Any]:
    # Autodetection renders nothing while the kinds are not there yet, also on the run that brings them.
    monitor: dict[str, Any] = {"enabled": monitor_labels is not None, "autodetect": False}
    if monitor_labels:
        # A Prometheus Operator outside the stack may select by them.
        monitor["additionalLabels"] = dict(monitor_labels)
    return {"enabled": True, "serviceMonitor": monitor, "nodeAgentPodMonitor": monitor}


def _restore_helper() -> dict[str, Any]:
    """What a restored pod waits with for its volumes: without a numeric user, restricted namespaces refuse it."""
    context = {
        **_RESTRICTED,
        "runAsNonRoot": True,
        "runAsUser": UNPRIVILEGED_ID,
        "runAsGroup": UNPRIVILEGED_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "labels": {"velero.io/plugin-config": "", "velero.io/pod-volume-restore": "RestoreItemAction"},
        "data": {
            "cpuRequest": "50m",
            "memRequest": "64Mi",
            "cpuLimit": "500m",
            "memLimit": "256Mi",
            "secCtx": yaml.safe_dump(context, sort_keys=False),
        },
    }
