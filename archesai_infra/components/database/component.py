"""PostgreSQL with pgvector: managed in the cluster, external, or a server on the developer's machine."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ContainerArgsDict, Secret

from archesai_infra import versions
from archesai_infra.components.base.component import FilledSecret, secret_key, secret_name
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.connection import (
    DatabaseConnection,
    Roles,
    connection_url,
    role_password,
    url_text,
)
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
    DUMP_ROLE,
    DUMP_URL_KEY,
    MODULE,
    MONITOR_ROLE,
    MONITOR_URL_KEY,
    NAME,
    PASSWORD_KEY,
    PORT,
    SECRET,
    URL_KEY,
    ExternalDatabase,
    ManagedDatabase,
)
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import (
    Mount,
    SecretKey,
    claim,
    config_files,
    container,
    environment,
    scratch,
    secret_files,
)
from archesai_infra.quantities import mebibytes, memory_bytes


@dataclass(frozen=True)
class DatabaseArgs:
    """What the component is built from."""

    settings: ManagedDatabase | ExternalDatabase
    credentials: Credentials


@dataclass(frozen=True)
class _Access:
    """How a managed server is reached, and by whom."""

    secret: pulumi.Input[str]
    """Name of the Secret."""
    url: SecretKey
    """The application's URL."""
    roles: Roles | None
    secret_values: tuple[pulumi.Output[str], ...] = ()
    """Values whose change rolls the server and its consumers."""
    keys: tuple[str, ...] = (PASSWORD_KEY, URL_KEY)
    """Keys of the Secret that the server's roles follow from."""


def _roles(settings: ManagedDatabase) -> dict[str, str]:
    """The role that each URL of the Secret is for."""
    return {URL_KEY: settings.application_user, MONITOR_URL_KEY: MONITOR_ROLE, DUMP_URL_KEY: DUMP_ROLE}


def _access(
    settings: ManagedDatabase, secret: Secret | FilledSecret, values: tuple[pulumi.Output[str], ...]
) -> _Access:
    """The way in by a Secret with the superuser's password and a URL for each role."""
    roles = Roles(
        settings.user,
        secret_key(secret, PASSWORD_KEY),
        secret_key(secret, MONITOR_URL_KEY),
        secret_key(secret, DUMP_URL_KEY),
    )
    keys = (PASSWORD_KEY, *_roles(settings))
    return _Access(secret_name(secret), secret_key(secret, URL_KEY), roles, values, keys)


class Database(RunningComponent):
    """The database in any of its forms, and the Secret with its URL."""

    connection: DatabaseConnection

    def __init__(self, context: Context, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Database", MODULE, context, opts)
        settings = args.settings
        if isinstance(settings, ExternalDatabase):
            self.connection = self._external(settings, args.credentials)
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
        url = credentials.get(Credential.DATABASE_URL)
        data: dict[str, pulumi.Input[str]] = {}
        if url is None:
            password = credentials.values[Credential.DATABASE_PASSWORD]
            endpoint = Endpoint(settings.host or "", settings.port)
            url = connection_url(settings.user, password, endpoint, settings.name, settings.ssl_mode)
            data[PASSWORD_KEY] = password
        secret = self.secret(SECRET, data | {URL_KEY: url})
        return DatabaseConnection(secret_key(secret, URL_KEY), (url,), (secret,), certificate=certificate)

    def _filled_external(self, settings: ExternalDatabase) -> FilledSecret:
        """The Secret from the stack's store: the whole URL where no host is set."""
        if settings.host is None:
            return self.external_secret(SECRET, {URL_KEY: Value.DATABASE_URL.template}, [Value.DATABASE_URL])
        return self._filled(settings, Endpoint(settings.host, settings.port), settings.ssl_mode)

    def _managed(self, settings: ManagedDatabase, credentials: Credentials) -> DatabaseConnection:
        service = self.service(NAME, {"postgres": PORT}, settings.run_on_host)
        if settings.existing_secret:
            name = settings.existing_secret
            access = _Access(name, secret_key(name, URL_KEY), Roles(settings.user, secret_key(name, PASSWORD_KEY)))
        elif self.context.external:
            access = self._filled_access(settings)
        else:
            password = credentials.get(Credential.DATABASE_PASSWORD) or self.generated(
                "password", version=settings.password_version
            )
            access = self._host_access(settings, password) if settings.run_on_host else self._access(settings, password)
        if settings.run_on_host:
            return DatabaseConnection(access.url, access.secret_values, (service,))
        server = self._server(settings, access)
        ready = (service, server)
        return DatabaseConnection(access.url, access.secret_values, ready, (self._waiting(settings),), access.roles)

    def _host_access(self, settings: ManagedDatabase, password: pulumi.Output[str]) -> _Access:
        """The one login of a developer's own server, whose roles are not the stack's."""
        url = connection_url(settings.user, password, Endpoint(NAME, PORT), settings.name, "disable")
        secret = self.secret(SECRET, {PASSWORD_KEY: password, URL_KEY: url})
        return _Access(secret.metadata.name, secret_key(secret, URL_KEY), None, (password,))

    def _access(self, settings: ManagedDatabase, password: pulumi.Output[str]) -> _Access:
        """The Secret with the superuser's password, and a URL for each role that the server makes."""
        urls = {
            key: connection_url(role, role_password(password, role), Endpoint(NAME, PORT), settings.name, "disable")
            for key, role in _roles(settings).items()
        }
        secret = self.secret(SECRET, {PASSWORD_KEY: password, **urls})
        return _access(settings, secret, (urls[URL_KEY],))

    def _filled_access(self, settings: ManagedDatabase) -> _Access:
        """The same from the stack's store: one password, of which the operator derives those of the roles."""
        if settings.run_on_host:
            filled = self._filled(settings, Endpoint(NAME, PORT), "disable")
            return _Access(filled.name, secret_key(filled, URL_KEY), None)
        password = Value.DATABASE_PASSWORD
        urls = {
            key: url_text(role, password.derived(role), Endpoint(NAME, PORT), settings.name, "disable")
            for key, role in _roles(settings).items()
        }
        filled = self.external_secret(SECRET, {PASSWORD_KEY: password.template, **urls}, [password])
        return _access(settings, filled, ())

    def _filled(self, settings: ManagedDatabase | ExternalDatabase, endpoint: Endpoint, ssl_mode: str) -> FilledSecret:
        """The Secret with password and URL, filled from the stack's store."""
        password = Value.DATABASE_PASSWORD
        url = url_text(settings.user, password.in_url, endpoint, settings.name, ssl_mode)
        return self.external_secret(SECRET, {PASSWORD_KEY: password.template, URL_KEY: url}, [password])

    def _waiting(self, settings: ManagedDatabase) -> ContainerArgsDict:
        """Asks by the Service, where the server that the image starts for its first initialisation does not listen.

        Without a user's name the question is never sent: the number it runs as has none.
        """
        question = f"pg_isready -q -t 3 -h {NAME} -p {PORT} -U {settings.user} -d {settings.name}"
        return container(
            name="wait-for-database",
            image=self.context.image(settings.image, versions.DATABASE),
            pull_policy=self.context.pull_policy,
            resources=resources(("10m", "16Mi"), ("100m", "64Mi")).requirements(),
            command=["/bin/sh", "-c", f"until {question}; do sleep 1; done"],
        )

    def _server(self, settings: ManagedDatabase, access: _Access) -> StatefulSet:
        mounts = self._mounts(settings, access)
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
            lifecycle={"post_start": {"exec_": {"command": ["/bin/sh", "-c", _IN_BACKGROUND]}}},
        )
        pod = Pod(
            NAME, [server], mounts, settings.scheduling, GRACE_SECONDS, access.secret_values, security=settings.security
        )
        return self.stateful_set(pod, {"postgres": PORT})

    def _mounts(self, settings: ManagedDatabase, access: _Access) -> list[Mount]:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        hooks = self.config_map("postgres-scripts", scripts(PACKAGE, "sync-password.sh"))
        init = self.config_map("postgres-init", scripts(PACKAGE, "10-extensions.sql"))
        shared_memory = mebibytes(memory_bytes(settings.resources.limits.memory) // 4)
        return [
            claim("data", MOUNT_PATH, data.metadata.name),
            secret_files("password", SECRETS_PATH, access.secret, access.keys),
            config_files("scripts", SCRIPTS_PATH, hooks.metadata.name),
            config_files("init", "/docker-entrypoint-initdb.d", init.metadata.name),
            scratch("sockets", SOCKETS_PATH, "16Mi"),
            scratch("tmp", "/tmp", "1Gi"),
            scratch("shared-memory", "/dev/shm", shared_memory, memory=True),
        ]


CERTIFICATE_PATH = "/run/certificates/database"
"""Where clients find the authority of an external server."""
# The hook must not wait for a server that recovers: its container counts as started only when the hook returns.
_IN_BACKGROUND = f"rm -f {SOCKETS_PATH}/roles; sh {SCRIPTS_PATH}/sync-password.sh >/proc/1/fd/1 2>/proc/1/fd/2 &"
