"""The pod that dumps: it waits for Velero's hooks, and its volume is what they copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.schedules import CONTAINERS, TIMEOUT_VARIABLE
from archesai_infra.components.backups.settings import BackupsSettings, Dump
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Image, Resources
from archesai_infra.components.database import DatabaseConnection
from archesai_infra.components.redis import RedisConnection, users
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import SecretKey, container, environment
from archesai_infra.kube.probes import Probes, exec_probe
from archesai_infra.kube.volumes import Mount, claim, config_files, scratch
from archesai_infra.versions import ImageVersion

NAME = object_name("dump")
POD = f"{NAME}-0"
CLAIM = f"{NAME}-data"
VOLUME = "dumps"
MOUNT_PATH = "/backup"
DATABASE_CONTAINER = CONTAINERS["database"]
REDIS_CONTAINER = CONTAINERS["redis"]
WAIT = "trap 'exit 0' TERM INT; sleep infinity & wait"


@dataclass(frozen=True)
class DumpSources:
    """What the pod dumps."""

    database: DatabaseConnection | None
    redis: RedisConnection | None
    size: str
    """Size of the volume, a Kubernetes quantity."""
    database_image: Image
    database_version: ImageVersion
    redis_image: Image
    redis_version: ImageVersion


def dump_pod(component: RunningComponent, settings: BackupsSettings, sources: DumpSources) -> StatefulSet:
    """A StatefulSet of one pod, so that hooks, restores and commands find it by its name."""
    dump = settings.dump
    data = component.data_claim(CLAIM, sources.size, dump.storage_class)
    files = component.config_map("dump-scripts", scripts.dump_files())
    mounts = [
        claim(VOLUME, MOUNT_PATH, data.metadata.name),
        config_files("scripts", scripts.PATH, files.metadata.name),
        scratch("tmp", "/tmp", "128Mi"),
    ]
    containers: list[ContainerArgsDict] = []
    secret_values: tuple[pulumi.Output[str], ...] = ()
    certificates: list[Mount] = []
    if sources.database:
        image = tools_image(dump.image, sources.database_image)
        plain, secret = _database_access(sources.database)
        built = _Container(DATABASE_CONTAINER, image, sources.database_version, dump.resources, plain, secret)
        containers.append(_waiting(component, built, dump, [*mounts, *sources.database.mounts]))
        secret_values += sources.database.secret_values
        certificates += sources.database.mounts
    if sources.redis:
        image = tools_image(dump.redis_image, sources.redis_image)
        login = sources.redis.login(users.DUMP)
        plain, secret = _redis_access(sources.redis)
        built = _Container(REDIS_CONTAINER, image, sources.redis_version, dump.redis_resources, plain, secret)
        containers.append(_waiting(component, built, dump, [*mounts, *sources.redis.mounts]))
        secret_values += login.secret_values
        certificates += sources.redis.mounts
    annotations = {"backup.velero.io/backup-volumes": VOLUME}
    pod = Pod(NAME, containers, [*mounts, *certificates], dump.scheduling, 30, secret_values, annotations)
    return component.stateful_set(pod, {})


def _database_access(connection: DatabaseConnection) -> tuple[dict[str, str], dict[str, SecretKey]]:
    """Environment of the dump, which only reads, and of a restore, which makes databases and roles."""
    roles = connection.roles
    if roles is None:
        return connection.variables, {"DATABASE_URL": connection.url}
    secret = {"DATABASE_URL": roles.dump or connection.url, "ADMINISTRATOR_PASSWORD": roles.password}
    return {**connection.variables, "ADMINISTRATOR": roles.administrator}, secret


def _redis_access(connection: RedisConnection) -> tuple[dict[str, str], dict[str, SecretKey]]:
    """Environment of the dump; a restore gets its own user's password by a pipe."""
    login = connection.login(users.DUMP)
    plain = {"REDIS_HOST": connection.endpoint.host, "REDIS_PORT": str(connection.endpoint.port)}
    if login.user:
        plain["REDIS_USER"] = login.user
    if connection.logins:
        plain["REDIS_RESTORE_USER"] = users.RESTORE
    if connection.tls:
        plain["REDIS_TLS"] = "true"
    if connection.certificate_file:
        plain["REDIS_CA"] = connection.certificate_file
    return plain, {"REDISCLI_AUTH": login.password} if login.password else {}


@dataclass(frozen=True)
class _Container:
    name: str
    image: Image
    version: ImageVersion
    resources: Resources
    plain: Mapping[str, str]
    secret: Mapping[str, SecretKey]


def tools_image(chosen: Image, neighbour: Image) -> Image:
    """The image that the stack names for the dump, else the server's own: tools must not be older than the server."""
    return chosen if chosen.model_fields_set else neighbour


def _waiting(component: RunningComponent, built: _Container, dump: Dump, mounts: list[Mount]) -> ContainerArgsDict:
    common = {
        "SCRIPTS": scripts.PATH,
        "BACKUP_DIR": MOUNT_PATH,
        "KEEP": str(dump.keep),
        TIMEOUT_VARIABLE: str(dump.timeout),
    }
    if built.name == DATABASE_CONTAINER:
        common |= {
            "COMPRESSION": str(dump.compression),
            "JOBS": str(dump.jobs),
        }
    return container(
        name=built.name,
        image=component.context.image(built.image, built.version),
        pull_policy=component.context.pull_policy,
        resources=built.resources.requirements(),
        command=["/bin/sh", "-c", WAIT],
        env=environment({**common, **built.plain}, built.secret),
        mounts=mounts,
        probes=Probes(
            startup=exec_probe(["test", "-d", MOUNT_PATH], period=2, failures=60),
            readiness=exec_probe(["test", "-w", MOUNT_PATH], period=30, failures=3),
            liveness=exec_probe(["/bin/sh", "-c", "kill -0 1"], period=60, failures=3),
        ),
    )
