"""PostgreSQL with pgvector: managed in the cluster, external, or a server on the developer's machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra import versions
from archesai_infra.components.base.certificates import authority, certificate_secret, server_files, service_names
from archesai_infra.components.base.charts import ChartsSettings
from archesai_infra.components.base.component import FilledSecret, secret_key
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.access import Access, access, filled_url, host_access, superuser_password
from archesai_infra.components.database.cluster import component as clusters
from archesai_infra.components.database.cluster import logins, operator
from archesai_infra.components.database.cluster.archive import component as archives
from archesai_infra.components.database.cluster.archive.objects import Bucket
from archesai_infra.components.database.cluster.network import primary_labels
from archesai_infra.components.database.cluster.pooler import pooler
from archesai_infra.components.database.connection import ArchiveConnection, DatabaseConnection, connection_url
from archesai_infra.components.database.server import (
    GRACE_SECONDS,
    MOUNT_PATH,
    PACKAGE,
    SCRIPTS_PATH,
    SECRETS_PATH,
    SOCKETS_PATH,
    parameters,
    probes,
    server_environment,
)
from archesai_infra.components.database.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    SECRET,
    SOURCE_SECRET,
    URL_KEY,
    ClusterDatabase,
    DatabasePod,
    ExternalDatabase,
    ExternalServer,
    ManagedDatabase,
)
from archesai_infra.components.database.tls import settings_of
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import container, environment
from archesai_infra.kube.volumes import Mount, claim, config_files, scratch, secret_files
from archesai_infra.quantities import mebibytes, memory_bytes


@dataclass(frozen=True)
class DatabaseArgs:
    """What the component is built from."""

    settings: ManagedDatabase | ClusterDatabase | ExternalDatabase
    credentials: Credentials
    charts: ChartsSettings
    bucket: Bucket | None = None
    """Where a cluster's archive lies; None where it has none."""


class Database(RunningComponent):
    """The database in any of its forms, and the Secret with its URL."""

    connection: DatabaseConnection

    def __init__(self, context: Context, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Database", MODULE, context, opts)
        settings = args.settings
        if isinstance(settings, ExternalDatabase):
            self.connection = self._external(settings, args.credentials)
            if settings.destination is not None:
                self._destination(args, settings, settings.destination)
        elif isinstance(settings, ClusterDatabase):
            self.connection = self._clustered(args, settings)
        else:
            self.connection = self._managed(settings, args.credentials)
        self.register_outputs({})

    def _external(self, settings: ExternalDatabase, credentials: Credentials) -> DatabaseConnection:
        certificate = settings.ca.mount("database-ca", CERTIFICATE_PATH) if settings.ca else None
        if settings.existing_secret:
            return DatabaseConnection(secret_key(settings.existing_secret, URL_KEY), (), (), certificate=certificate)
        if self.context.external:
            filled = self._filled_external(settings)
            url_key = secret_key(filled, URL_KEY)
            return DatabaseConnection(url_key, (), (filled.resource,), certificate=certificate)
        url = _url_of(settings, credentials)
        data: dict[str, pulumi.Input[str]] = {}
        if Credential.DATABASE_URL not in credentials.values:
            data[PASSWORD_KEY] = credentials.values[Credential.DATABASE_PASSWORD]
        secret = self.secret(SECRET, data | {URL_KEY: url})
        return DatabaseConnection(secret_key(secret, URL_KEY), (url,), (secret,), certificate=certificate)

    def _filled_external(self, settings: ExternalDatabase) -> FilledSecret:
        """The Secret from the stack's store: the whole URL where no host is set."""
        if settings.host is None:
            return self.external_secret(SECRET, {URL_KEY: Value.DATABASE_URL.template}, [Value.DATABASE_URL])
        endpoint = Endpoint(settings.host, settings.port)
        return filled_url(self, settings.user, endpoint, settings.name, settings.ssl_mode)

    def _managed(self, settings: ManagedDatabase, credentials: Credentials) -> DatabaseConnection:
        service = self.service(NAME, {"postgres": PORT}, settings.run_on_host)
        if settings.run_on_host:
            way = host_access(self, settings, credentials)
            return DatabaseConnection(way.url, way.secret_values, (service,))
        way = access(self, settings, credentials)
        names = service_names(NAME, self.context.namespace)
        certificate = certificate_secret(self, settings.tls, names) if settings.tls else None
        ready = (service, self._server(settings, way, certificate))
        found = _connection(way, ready, self._waiting(settings, settings.user))
        if certificate is None:
            return found
        return replace(found, certificate=authority(MODULE, certificate, CERTIFICATE_PATH))

    def _clustered(self, args: DatabaseArgs, settings: ClusterDatabase) -> DatabaseConnection:
        own = settings.cluster
        selected = None if settings.serves_from_single_pod else primary_labels(own)
        service = self.service(NAME, {"postgres": PORT}, selected=selected)
        way = access(self, settings, args.credentials)
        if settings.moved_from is not None:
            self._source(settings.moved_from, args.credentials)
        made, archive = self._instances(args, settings, way.password, settings.moved_from)
        ready: tuple[pulumi.Resource, ...] = (service, made[0])
        if settings.pools is not None:
            ready = (*ready, pooler(self, settings.pools, own, made[:1]))
        if own.read_service:
            clusters.read_service(self, f"{NAME}-read", own)
        server = self._server(settings, way) if settings.keeps_single_pod else None
        if server is not None and settings.serves_from_single_pod:
            return _connection(way, (service, server), self._waiting(settings, settings.user))
        image = self.context.image(own.image, versions.POSTGRES)
        found = _connection(way, ready, self._waiting(settings, settings.application_user, image))
        return replace(found, archive=archive)

    def _instances(
        self,
        args: DatabaseArgs,
        settings: ClusterDatabase,
        password: pulumi.Output[str] | None,
        source: ExternalServer | None,
    ) -> tuple[list[CustomResource], ArchiveConnection | None]:
        """The clusters with their operator and archive."""
        own = settings.cluster
        content = logins.content(self, settings, password)
        if source is not None:
            content = replace(content, trusted=source.ca)
        before = [*clusters.policies(self)]
        if own.operator == "install":
            before += operator.install(self, own, args.charts)
        archive = None
        if own.archive.enabled and args.bucket is not None:
            keys = archives.keys_secret(self, own, args.credentials)
            before += archives.archive(self, own, args.bucket, keys, args.charts, before)
            archive = archives.connection(own, args.bucket, keys, self.context)
        made = [clusters.cluster(self, cluster, content, before) for cluster in own.all]
        if own.archive.enabled:
            archives.base_backups(self, own, made)
        return made, archive

    def _destination(self, args: DatabaseArgs, source: ExternalServer, settings: ClusterDatabase) -> None:
        """The cluster beside a server elsewhere. Its Service leads nowhere until the move is complete."""
        self.service(NAME, {"postgres": PORT})
        self._source(source, args.credentials)
        self._instances(args, settings, superuser_password(self, settings, args.credentials), source)

    def _source(self, server: ExternalServer, credentials: Credentials) -> None:
        """The Secret by which a move reaches the server elsewhere, whatever the clients' Secret leads to."""
        if server.existing_secret is None:
            self.secret(SOURCE_SECRET, {URL_KEY: _url_of(server, credentials)}, part="source")

    def _waiting(self, settings: DatabasePod, user: str, image: str | None = None) -> ContainerArgsDict:
        """Asks by the Service, where the server that the image starts for its first initialisation does not listen.

        Without a user's name the question is never sent: the number it runs as has none.
        """
        question = f"pg_isready -q -t 3 -h {NAME} -p {PORT} -U {user} -d {settings.name}"
        return container(
            name="wait-for-database",
            image=image or self.context.image(settings.image, versions.DATABASE),
            pull_policy=self.context.pull_policy,
            resources=resources(("10m", "16Mi"), ("100m", "64Mi")).requirements(),
            command=["/bin/sh", "-c", f"until {question}; do sleep 1; done"],
        )

    def _server(self, settings: DatabasePod, way: Access, certificate: pulumi.Input[str] | None = None) -> StatefulSet:
        mounts = self._mounts(settings, way, certificate)
        server = container(
            name="postgres",
            image=self.context.image(settings.image, versions.DATABASE),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            args=["postgres", *(word for item in parameters(settings).items() for word in ("-c", "=".join(item)))],
            env=environment(server_environment(settings), {}),
            ports={"postgres": PORT},
            mounts=mounts,
            probes=probes(settings),
            # Nothing before the stop: the image names SIGINT, a fast shutdown, as its signal.
            lifecycle={"post_start": {"exec_": {"command": ["/bin/sh", "-c", _in_background(settings)]}}},
        )
        pod = Pod(
            NAME, [server], mounts, settings.scheduling, GRACE_SECONDS, way.server_values, security=settings.security
        )
        return self.stateful_set(pod, {"postgres": PORT})

    def _mounts(self, settings: DatabasePod, way: Access, certificate: pulumi.Input[str] | None) -> list[Mount]:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        more = ("reload-certificate.sh", "pg_hba.conf") if certificate is not None else ()
        hooks = self.config_map("postgres-scripts", scripts(PACKAGE, "sync-password.sh", *more))
        init = self.config_map("postgres-init", scripts(PACKAGE, "10-extensions.sql"))
        shared_memory = mebibytes(memory_bytes(settings.resources.limits.memory) // 4)
        return [
            claim("data", MOUNT_PATH, data.metadata.name),
            secret_files("password", SECRETS_PATH, way.secret, way.keys),
            config_files("scripts", SCRIPTS_PATH, hooks.metadata.name),
            config_files("init", "/docker-entrypoint-initdb.d", init.metadata.name),
            scratch("sockets", SOCKETS_PATH, "16Mi"),
            scratch("tmp", "/tmp", "1Gi"),
            scratch("shared-memory", "/dev/shm", shared_memory, memory=True),
            *([server_files(certificate)] if certificate is not None else []),
        ]


def _url_of(server: ExternalServer, credentials: Credentials) -> pulumi.Output[str]:
    """URL of a server that others run: the given one, else by its password."""
    if (url := credentials.get(Credential.DATABASE_URL)) is not None:
        return url
    endpoint = Endpoint(server.host or "", server.port)
    password = credentials.values[Credential.DATABASE_PASSWORD]
    return connection_url(server.user, password, endpoint, server.name, server.ssl_mode)


def _connection(way: Access, ready: tuple[pulumi.Resource, ...], waiting: ContainerArgsDict) -> DatabaseConnection:
    return DatabaseConnection(way.url, way.secret_values, ready, (waiting,), way.roles, way.pooled)


CERTIFICATE_PATH = "/run/certificates/database"
"""Where clients find the authority of an external server."""


def _in_background(settings: DatabasePod) -> str:
    """The hook's scripts. It must not wait for a server that recovers: the container counts as started after it."""
    to_log = ">/proc/1/fd/1 2>/proc/1/fd/2 &"
    command = f"rm -f {SOCKETS_PATH}/roles; sh {SCRIPTS_PATH}/sync-password.sh {to_log}"
    if settings_of(settings) is None:
        return command
    return f"{command} sh {SCRIPTS_PATH}/reload-certificate.sh {to_log}"
