"""The Cluster as the operator's API has it: https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.peers import CA_FILE, Certificate
from archesai_infra.components.database.cluster.archive import objects as archives
from archesai_infra.components.database.cluster.archive.settings import Recovery
from archesai_infra.components.database.cluster.network import CLUSTER_LABEL, POD_ROLE
from archesai_infra.components.database.cluster.settings import ClusterSettings, Volume
from archesai_infra.components.database.tuning import megabytes, tuned
from archesai_infra.quantities import mebibytes, memory_bytes

API = "postgresql.cnpg.io/v1"
FAST_SHUTDOWN_SECONDS = 15
"""Sessions of an isolated primary may commit for that long; the operator's default is 180 s."""
TRUSTED_FILE = f"/projected/{CA_FILE}"
"""Where the operator mounts the authority of a server elsewhere."""
STOP_SECONDS = 300
"""Bound on a stop and on a switchover; the operator's defaults are 1800 s and 3600 s."""


@dataclass(frozen=True)
class Login:
    """A role and the Secret of type `kubernetes.io/basic-auth` with its password."""

    role: str
    secret: pulumi.Input[str]


@dataclass(frozen=True)
class Content:
    """What the cluster starts with."""

    database: str
    owner: Login
    """Role that owns the database; no superuser."""
    superuser: Login | None
    """The superuser's password, which restores need; without it no superuser logs in by the network."""
    dump: Login | None
    """Role that reads everything."""
    names: tuple[str, ...]
    """Names that clients reach the cluster by; its certificate is for them too."""
    trusted: Certificate | None = None
    """Authority of the server elsewhere that instances fetch their data from."""


def parameters(settings: ClusterSettings) -> dict[str, str]:
    """Server parameters for the memory limit and the log's volume; explicit settings win."""
    volume = memory_bytes((settings.wal_storage or settings.storage).size)
    memory = memory_bytes(settings.resources.limits.memory)
    own = {
        # A standby that stays away must not fill the volume: beyond this it is made from a new copy.
        "max_slot_wal_keep_size": megabytes(volume // 2),
        # Any of its parameters has the operator load the library and make the extension.
        "pg_stat_statements.max": "10000",
    }
    return tuned(settings.postgres, memory=memory, volume=volume) | own | dict(settings.postgres.parameters)


def cluster_spec(settings: ClusterSettings, content: Content, context: Context) -> dict[str, Any]:
    """Spec of the Cluster."""
    spec = {
        # A copy of a file of a running server is no backup, and an empty claim would be taken for the cluster's own.
        "inheritedMetadata": {"labels": {"velero.io/exclude-from-backup": "true"}},
        "instances": settings.instances,
        "primaryUpdateStrategy": "unsupervised",
        "primaryUpdateMethod": "switchover" if settings.instances > 1 else "restart",
        "smartShutdownTimeout": FAST_SHUTDOWN_SECONDS,
        "switchoverDelay": STOP_SECONDS,
        "stopDelay": STOP_SECONDS,
        # A single instance would keep its node from being drained.
        "enablePDB": settings.instances > 1,
        "postgresql": _server(settings),
        "probes": _probes(),
        "certificates": {"serverAltDNSNames": list(content.names)},
        "bootstrap": _bootstrap(settings, content),
        **_archive(settings),
        **_image(settings, context),
        **_volumes(settings, context),
        **_placement(settings, context),
        **_resources(settings),
    }
    if content.trusted is not None:
        spec["projectedVolumeTemplate"] = {"sources": [content.trusted.projection()]}
    return spec | _roles(content)


def _bootstrap(settings: ClusterSettings, content: Content) -> dict[str, Any]:
    recovery = settings.recovery
    return {"initdb": initdb(content)} if recovery is None else {"recovery": recovered(recovery, content)}


def recovered(recovery: Recovery, content: Content) -> dict[str, Any]:
    """A database from an archive. The operator gives the owner its password; the extension comes with the data."""
    built: dict[str, Any] = {
        "source": recovery.source,
        "database": content.database,
        "owner": content.owner.role,
        "secret": {"name": content.owner.secret},
    }
    if recovery.target_time is not None:
        built["recoveryTarget"] = {"targetTime": recovery.target_time}
    return built


def _archive(settings: ClusterSettings) -> dict[str, Any]:
    archive = settings.archive
    if not archive.enabled:
        return {}
    built: dict[str, Any] = {"plugins": archives.plugins(settings)}
    if settings.recovery is not None:
        built["externalClusters"] = [archives.source(settings.recovery)]
    if annotations := archives.role(archive):
        built["serviceAccountTemplate"] = {"metadata": {"annotations": annotations}}
    return built


def initdb(content: Content) -> dict[str, Any]:
    """A new database: its owner could not make the extension itself, whose control file is not marked as trusted."""
    built: dict[str, Any] = {
        "database": content.database,
        "owner": content.owner.role,
        "secret": {"name": content.owner.secret},
        "dataChecksums": True,
        "encoding": "UTF8",
        "postInitApplicationSQL": ["CREATE EXTENSION IF NOT EXISTS vector"],
    }
    if content.dump is not None:
        # `managed.roles` has no place for settings of a role; pg_read_all_data reads no large objects.
        role = content.dump.role
        built["postInitSQL"] = [f"CREATE ROLE {role}", f"ALTER ROLE {role} SET lo_compat_privileges = on"]
    return built


def _server(settings: ClusterSettings) -> dict[str, Any]:
    built: dict[str, Any] = {"parameters": parameters(settings)}
    if (wanted := settings.synchronous) is not None:
        built["synchronous"] = {
            "method": wanted.method,
            "number": wanted.number,
            "dataDurability": wanted.data_durability,
            "failoverQuorum": wanted.failover_quorum,
        }
    return built


def _probes() -> dict[str, Any]:
    """A primary that reaches neither the API server nor another instance stops: another may have been promoted."""
    check = {"enabled": True, "requestTimeout": 2000, "connectionTimeout": 2000}
    return {"liveness": {"isolationCheck": check}}


def _image(settings: ClusterSettings, context: Context) -> dict[str, Any]:
    built: dict[str, Any] = {"imageName": context.image(settings.image, versions.POSTGRES)}
    if context.pull_policy is not None:
        built["imagePullPolicy"] = context.pull_policy
    if context.pull_secret is not None:
        built["imagePullSecrets"] = [{"name": context.pull_secret.name}]
    return built


def _volumes(settings: ClusterSettings, context: Context) -> dict[str, Any]:
    built = {"storage": _volume(settings.name, settings.storage, context)}
    if settings.wal_storage is not None:
        built["walStorage"] = _volume(f"{settings.name}-wal", settings.wal_storage, context)
    return built


def _volume(claim: str, volume: Volume, context: Context) -> dict[str, Any]:
    built: dict[str, Any] = {"size": context.volume_size(claim, volume.size), "resizeInUseVolumes": True}
    return built | ({"storageClass": volume.storage_class} if volume.storage_class else {})


def _placement(settings: ClusterSettings, context: Context) -> dict[str, Any]:
    placement = settings.scheduling.over(context.scheduling).placement()
    affinity: dict[str, Any] = {
        "podAntiAffinityType": settings.anti_affinity,
        "topologyKey": "kubernetes.io/hostname",
    }
    if placement.node_selector:
        affinity["nodeSelector"] = dict(placement.node_selector)
    if placement.tolerations:
        affinity["tolerations"] = list(placement.tolerations)
    own = {"matchLabels": {CLUSTER_LABEL: settings.name, POD_ROLE: "instance"}}
    zones = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    built: dict[str, Any] = {"affinity": affinity, "topologySpreadConstraints": [zones | {"labelSelector": own}]}
    return built | ({"priorityClassName": placement.priority_class} if placement.priority_class else {})


def _resources(settings: ClusterSettings) -> dict[str, Any]:
    shared_memory = mebibytes(memory_bytes(settings.resources.limits.memory) // 4)
    return {
        "resources": settings.resources.requirements(),
        "ephemeralVolumesSizeLimit": {"shm": shared_memory, "temporaryData": "1Gi"},
    }


def _roles(content: Content) -> dict[str, Any]:
    """Roles besides the owner's, which the operator keeps as they are declared."""
    built: dict[str, Any] = {"enableSuperuserAccess": content.superuser is not None}
    if content.superuser is not None:
        built["superuserSecret"] = {"name": content.superuser.secret}
    if content.dump is not None:
        reader = {
            "name": content.dump.role,
            "ensure": "present",
            "login": True,
            "bypassrls": True,
            "connectionLimit": 5,
            "inRoles": ["pg_read_all_data"],
            "passwordSecret": {"name": content.dump.secret},
        }
        built["managed"] = {"roles": [reader]}
    return built
