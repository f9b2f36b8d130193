"""PostgreSQL with pgvector: managed in the cluster, external, or a server on the developer's machine."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra import versions
from archesai_infra.components.base.component import Context, Endpoint, secret_key
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.connection import DatabaseConnection, connection_url
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
    URL_KEY,
    ExternalDatabase,
    ManagedDatabase,
)
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import (
    Mount,
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
        if settings.existing_secret:
            return DatabaseConnection(secret_key(settings.existing_secret, URL_KEY), (), ())
        url = credentials.get(Credential.DATABASE_URL)
        data: dict[str, pulumi.Input[str]] = {}
        if url is None:
            password = credentials.values[Credential.DATABASE_PASSWORD]
            endpoint = Endpoint(settings.host or "", settings.port)
            url = connection_url(settings.user, password, endpoint, settings.name, settings.ssl_mode)
            data[PASSWORD_KEY] = password
        secret = self.secret(SECRET, data | {URL_KEY: url})
        return DatabaseConnection(secret_key(secret, URL_KEY), (url,), (secret,))

    def _managed(self, settings: ManagedDatabase, credentials: Credentials) -> DatabaseConnection:
        service = self.service(NAME, {"postgres": PORT}, settings.run_on_host)
        if settings.existing_secret:
            secret_name: pulumi.Input[str] = settings.existing_secret
            url_key, secret_values = secret_key(settings.existing_secret, URL_KEY), ()
        else:
            password = credentials.get(Credential.DATABASE_PASSWORD) or self.generated(
                "password", version=settings.password_version
            )
            url = connection_url(settings.user, password, Endpoint(NAME, PORT), settings.name, "disable")
            secret = self.secret(SECRET, {PASSWORD_KEY: password, URL_KEY: url})
            secret_name = secret.metadata.name
            url_key, secret_values = secret_key(secret, URL_KEY), (password,)
        if settings.run_on_host:
            return DatabaseConnection(url_key, secret_values, (service,))
        server = self._server(settings, secret_name, secret_values)
        return DatabaseConnection(url_key, secret_values, (service, server), (self._waiting(settings),))

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

    def _server(
        self, settings: ManagedDatabase, secret_name: pulumi.Input[str], secret_values: tuple[pulumi.Output[str], ...]
    ) -> StatefulSet:
        mounts = self._mounts(settings, secret_name)
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
        pod = Pod(NAME, [server], mounts, settings.scheduling, GRACE_SECONDS, secret_values, security=settings.security)
        return self.stateful_set(pod, {"postgres": PORT})

    def _mounts(self, settings: ManagedDatabase, secret_name: pulumi.Input[str]) -> list[Mount]:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        hooks = self.config_map("postgres-scripts", scripts(PACKAGE, "sync-password.sh"))
        init = self.config_map("postgres-init", scripts(PACKAGE, "10-extensions.sql"))
        shared_memory = mebibytes(memory_bytes(settings.resources.limits.memory) // 4)
        return [
            claim("data", MOUNT_PATH, data.metadata.name),
            secret_files("password", SECRETS_PATH, secret_name, [PASSWORD_KEY]),
            config_files("scripts", SCRIPTS_PATH, hooks.metadata.name),
            config_files("init", "/docker-entrypoint-initdb.d", init.metadata.name),
            scratch("sockets", SOCKETS_PATH, "16Mi"),
            scratch("tmp", "/tmp", "1Gi"),
            scratch("shared-memory", "/dev/shm", shared_memory, memory=True),
        ]


# The hook must not wait for a server that recovers: its container counts as started only when the hook returns.
_IN_BACKGROUND = f"sh {SCRIPTS_PATH}/sync-password.sh >/proc/1/fd/1 2>/proc/1/fd/2 &"
