"""The backups of a whole stack: what is backed up follows from which modules it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from archesai_infra import versions
from archesai_infra.components import storage
from archesai_infra.components.backups import alerts, schedules
from archesai_infra.components.backups.component import BackupsArgs
from archesai_infra.components.backups.dump import DumpSources, tools_image
from archesai_infra.components.base.connections import Connections
from archesai_infra.components.base.settings import Image
from archesai_infra.components.base.watch.alerts import Alert
from archesai_infra.components.database import ClusterDatabase, DatabasePod, ExternalDatabase
from archesai_infra.components.database.cluster import operator
from archesai_infra.components.database.major import major
from archesai_infra.components.redis import ExternalRedis
from archesai_infra.components.storage import ExternalStorage, ManagedStorage, users
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.cron import longest_pause
from archesai_infra.kube.network import Addresses, internet
from archesai_infra.quantities import mebibytes, memory_bytes
from archesai_infra.stack.settings import Settings
from archesai_infra.types import duration_seconds
from archesai_infra.versions import ImageVersion


def arguments(settings: Settings, credentials: Credentials, connections: Connections, instance: str) -> BackupsArgs:
    """What the component is built from, out of a stack's settings and its services' connections."""
    own = settings.backups
    dumped = dumps(settings)
    size = volume_size(settings)
    store = connections.storage
    return BackupsArgs(
        own,
        credentials,
        DumpSources(
            database=connections.database if "database" in dumped else None,
            redis=connections.redis if "redis" in dumped else None,
            size=own.dump.size or mebibytes(dump_bytes(settings)),
            database_image=_database_image(settings),
            database_version=database_tools(settings),
            redis_image=_redis_image(settings),
            redis_version=redis_tools(settings),
        ),
        drill_size=(own.drill.size or size) if drills_newest(settings) else None,
        drilled_archive=connections.database.archive if connections.database and drills_archive(settings) else None,
        objects=store.connection(users.OBJECTS) if store and copies_objects(settings) else None,
        own_storage=store.connection(users.BACKUPS) if store and in_own_storage(settings) else None,
        charts=settings.charts,
        alerts=alert_rules(settings, instance) if settings.monitoring.enabled else (),
        monitor_labels=settings.monitoring.labels if settings.monitoring.enabled else None,
        runbooks=str(settings.monitoring.alerts.runbooks),
        operators=(operator.RELEASE,) if settings.database_cluster is not None else (),
    )


def alert_rules(settings: Settings, instance: str) -> tuple[Alert, ...]:
    """The alerts of the backups that fit a stack."""
    watched = alerts.Watched(
        settings.backups,
        settings.namespace,
        instance,
        dumps=bool(dumps(settings)),
        objects=copies_objects(settings),
        drill=drills_newest(settings),
        archive_drill=drills_archive(settings),
    )
    return alerts.alerts(watched)


def in_own_storage(settings: Settings) -> bool:
    """Whether the backups would lie in the object storage that this stack runs itself."""
    if not isinstance(settings.storage, ManagedStorage) or settings.backups.endpoint is None:
        return False
    host = urlsplit(settings.backups.endpoint).hostname or ""
    inside = (storage.NAME, f"{storage.NAME}-headless")
    suffixes = ("", f".{settings.namespace}", f".{settings.namespace}.svc")
    names = {f"{name}{suffix}" for name in inside for suffix in suffixes}
    public = settings.url("storage")
    return host.removesuffix(".cluster.local") in names or (public is not None and urlsplit(public).hostname == host)


def copies_objects(settings: Settings) -> bool:
    """Whether the object storage's bucket is copied."""
    return settings.backups.enabled and settings.backups.objects.enabled and settings.storage.enabled


def drills_newest(settings: Settings) -> bool:
    """Whether the newest dump is tried."""
    return settings.backups.enabled and settings.backups.drill.enabled and settings.database.enabled


def drills_archive(settings: Settings) -> bool:
    """Whether the archive of the database's cluster is tried by a recovery; one that does not serve yet is not."""
    own = settings.database
    if not isinstance(own, ClusterDatabase) or own.serves_from_single_pod:
        return False
    return drills_newest(settings) and own.cluster.archive.enabled


def dumps(settings: Settings) -> tuple[str, ...]:
    """The modules whose content the dump pod dumps."""
    if not settings.backups.enabled:
        return ()
    on = {"database": settings.database.enabled, "redis": settings.redis.enabled and settings.backups.dump.redis}
    return tuple(module for module, enabled in on.items() if enabled)


def _database_image(settings: Settings) -> Image:
    return settings.database.image if isinstance(settings.database, DatabasePod) else Image()


def _redis_image(settings: Settings) -> Image:
    return Image() if isinstance(settings.redis, ExternalRedis) else settings.redis.image


def database_tools(settings: Settings) -> ImageVersion:
    """The image with the tools of the database's dump: those of an older major version refuse a server."""
    serving, ours = _serving_major(settings), major(f":{versions.DATABASE.tag}")
    return versions.DATABASE if serving is None or int(ours or 0) >= serving else versions.database(serving)


def _serving_major(settings: Settings) -> int | None:
    """Major version of a server that does not run in the image of the single pod; None if unknown."""
    own = settings.database
    if isinstance(own, ExternalDatabase):
        return own.version
    return int(own.cluster.major) if isinstance(own, ClusterDatabase) and own.cluster.major else None


def redis_tools(settings: Settings) -> ImageVersion:
    """The image with the tools of redis' dump: neither Redis nor Valkey reads what a newer one of the other wrote."""
    return versions.REDIS if isinstance(settings.redis, ExternalRedis) else settings.redis.default_image


def images(settings: Settings) -> dict[str, tuple[Image, ImageVersion]]:
    """Every image that only this module runs, by its key, with what it is by default.

    The dump pod runs the images of the servers it dumps, where they run here, unless it is given its own.
    """
    found = settings.backups
    dumped = dumps(settings)
    used: dict[str, tuple[Image, ImageVersion]] = {}
    if "database" in dumped and (found.dump.image.model_fields_set or "image" not in settings.database.pod_images):
        used["backups.dump.image"] = (
            tools_image(found.dump.image, _database_image(settings)),
            database_tools(settings),
        )
    if "redis" in dumped and (found.dump.redis_image.model_fields_set or "image" not in settings.redis.pod_images):
        tools = tools_image(found.dump.redis_image, _redis_image(settings))
        used["backups.dump.redisImage"] = (tools, redis_tools(settings))
    if drills_archive(settings) and isinstance(settings.database, ClusterDatabase):
        sidecar = settings.database.cluster.archive.sidecar_image
        used["database.cluster.archive.sidecarImage"] = (sidecar, versions.BARMAN_SIDECAR)
    if copies_objects(settings):
        used["backups.objects.image"] = (found.objects.image, versions.RCLONE)
    if found.velero.install:
        used["backups.velero.image"] = (found.velero.image, versions.VELERO)
        used["backups.velero.pluginImage"] = (found.velero.plugin_image, versions.VELERO_PLUGIN)
    return used


def requirements(settings: Settings, given: Mapping[Credential, object]) -> list[str]:
    """What is missing or does not fit, each as `key: problem and cure`."""
    backups = settings.backups
    found: list[str] = []
    if backups.bucket is None:
        found.append("backups.bucket: is required: a bucket outside this cluster")
    found += _dump_size(settings)
    found += _dump_certificate(settings)
    found += _dump_tools(settings)
    found += _retention(settings)
    own = in_own_storage(settings)
    if own and settings.production:
        found.append(
            f"backups.endpoint: {backups.endpoint} is this stack's own object storage: "
            "what is lost with the cluster is no backup; name a service elsewhere"
        )
    if not own and backups.bucket == settings.storage.bucket and settings.storage.enabled:
        found += _same_bucket(settings)
    return found + _credentials(settings, given, own=own)


def _retention(settings: Settings) -> Iterator[str]:
    """A backup that expires before the next one is made leaves a time without any."""
    for kind, (_, schedule) in schedules.names("", settings.backups).items():
        pause = longest_pause(schedule.cron)
        if duration_seconds(schedule.ttl) <= pause.total_seconds():
            hours = -(-pause // timedelta(hours=1))
            yield (
                f"backups.schedules.{kind}.ttl: {schedule.ttl} ends before the next backup of this schedule is made "
                f"(up to {hours}h later): keep backups longer, or make them more often"
            )


def _same_bucket(settings: Settings) -> list[str]:
    target = urlsplit(settings.backups.endpoint).hostname if settings.backups.endpoint else None
    if not isinstance(settings.storage, ExternalStorage):
        return []
    source = settings.storage.host
    aws = source.endswith(".amazonaws.com") and target is None
    if not (aws or source == target):
        return []
    return ["backups.bucket: is the application's own bucket: its copy would be copied again; name another"]


def _credentials(settings: Settings, given: Mapping[Credential, object], *, own: bool) -> list[str]:
    backups = settings.backups
    keys = [key for key in (Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY) if key in given]
    found: list[str] = []
    if len(keys) == 1:
        other = ({Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY} - set(keys)).pop()
        found.append(f"{keys[0]}: needs its other half: arches config set {other}")
    sources = {
        "backups.existingSecret": backups.existing_secret is not None,
        "backups.velero.roleArn": backups.velero.role_arn is not None,
        "backupsAccessKey": bool(keys),
    }
    used = [key for key, on in sources.items() if on]
    if len(used) > 1:
        found.append(f"{used[0]}: {used[1]} is also set; keep only one")
    if not used and not own:
        found.append(
            "backups: the bucket needs its keys: arches config set backupsAccessKey and backupsSecretKey, "
            "or set backups.existingSecret or backups.velero.roleArn"
        )
    if backups.velero.existing_repository_secret and Credential.BACKUPS_REPOSITORY_PASSWORD in given:
        found.append("backups.velero.existingRepositorySecret: backupsRepositoryPassword is also set; keep only one")
    return found


def bucket_peer(settings: Settings) -> Addresses:
    """Where the bucket is, as network policies see it."""
    if settings.backups.endpoint is None:
        return internet(settings.security.private_cidrs)
    return Addresses("backups' bucket", settings.backups.cidrs)


def dump_bytes(settings: Settings) -> int:
    """Bytes of a volume for the dumps that are kept and the one that is made; redis' are as large as its memory."""
    dump = settings.backups.dump
    one = int(memory_bytes(volume_size(settings)) * dump.share)
    if not isinstance(settings.redis, ExternalRedis) and "redis" in dumps(settings):
        one += memory_bytes(settings.redis.max_memory or settings.redis.resources.limits.memory)
    return (dump.keep + 1) * one


def _dump_size(settings: Settings) -> Iterator[str]:
    size, needed = settings.backups.dump.size, dump_bytes(settings)
    managed = isinstance(settings.database, DatabasePod) and "database" in dumps(settings)
    if managed and size is not None and memory_bytes(size) < needed:
        yield (
            f"backups.dump.size: {size} holds fewer than keep + 1 dumps of a full database: set at least "
            f"{mebibytes(needed)}, or lower backups.dump.share if your dumps are smaller"
        )


def _dump_certificate(settings: Settings) -> Iterator[str]:
    """Libpq knows no authority by itself, unlike the api's driver."""
    database = settings.database
    if not isinstance(database, ExternalDatabase) or "database" not in dumps(settings):
        return
    if database.ssl_mode in ("verify-ca", "verify-full") and database.ca is None:
        yield (
            f"database.ca: dumps need the authority of a server whose certificate is checked (sslMode "
            f"{database.ssl_mode}): name a Secret or a ConfigMap with it"
        )


def _dump_tools(settings: Settings) -> Iterator[str]:
    """Tools of an older major version refuse a server; the image that dumps is not that of such a server."""
    if "database" not in dumps(settings):
        return
    used = tools_image(settings.backups.dump.image, _database_image(settings))
    tools, serving = major(f":{used.tag_or(database_tools(settings))}"), _serving_major(settings)
    if tools is not None and serving is not None and int(tools) < serving:
        yield (
            f"backups.dump.image.tag: the tools are of PostgreSQL {tools} and the server is of {serving}: name an "
            f"image with pgvector and PostgreSQL {serving}"
        )


def volume_size(settings: Settings) -> str:
    """Size of a volume that holds the database, a Kubernetes quantity."""
    own = settings.database
    if isinstance(own, ClusterDatabase) and not own.serves_from_single_pod:
        return own.cluster.storage.size
    return own.size if isinstance(own, DatabasePod) else "10Gi"
