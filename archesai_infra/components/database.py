"""PostgreSQL with pgvector: managed in the cluster, external, or a server on the developer's machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.component import Context, Endpoint, secret_key
from archesai_infra.components.base.peers import ServicePeer
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, RunOnHost, Workload, resources
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.kube.pods import (
    Mount,
    Probes,
    SecretKey,
    claim,
    config_files,
    container,
    environment,
    exec_probe,
    interrupt_command,
    scratch,
    secret_files,
    tcp_probe,
)
from archesai_infra.model import Model
from archesai_infra.quantities import mebibytes, memory_bytes
from archesai_infra.types import Cidr, DnsLabel, Hostname, MemoryQuantity, Port, SqlName, Text

MODULE = "database"
NAME = object_name("postgres")
PORT = 5432
MOUNT_PATH = "/var/lib/postgresql/data"
SECRETS_PATH = "/run/secrets/archesai"
SCRIPTS_PATH = "/etc/archesai"
SOCKETS_PATH = "/var/run/postgresql"
GRACE_SECONDS = 120
"""A fast shutdown writes a checkpoint; the image's own authors find 90 s can be too little."""

# Runs inside the server's pod over its Unix socket, which the image trusts. The password never reaches a command line,
# the server's log or its statement statistics.
SYNC_PASSWORD = r"""#!/bin/sh
set -eu
until pg_isready -q -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB"; do sleep 1; done
psql -q -X -v ON_ERROR_STOP=1 -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
\set role `printf %s "$POSTGRES_USER"`
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE :"role" PASSWORD :'password';
SQL
"""

CREATE_EXTENSIONS = """\
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
"""


class Postgres(Model):
    """Server settings; what is not set is derived from the memory limit."""

    max_connections: int = Field(default=200, ge=10, le=10000)
    """Most connections at a time."""
    shared_buffers: MemoryQuantity | None = None
    """Cache of the server; a quarter of the memory limit."""
    effective_cache_size: MemoryQuantity | None = None
    """What the planner expects the caches to hold; three quarters of the memory limit."""
    maintenance_work_mem: MemoryQuantity | None = None
    """Memory for index builds and vacuum; a sixteenth of the memory limit."""
    work_mem: MemoryQuantity | None = None
    """Memory of one sort or hash; what is left of the limit, spread over the connections."""
    max_wal_size: MemoryQuantity = "4Gi"
    """Write-ahead log between checkpoints; a quarter of the volume where that is less."""
    parameters: dict[str, Text] = Field(default_factory=dict)
    """Any other server parameter by its PostgreSQL name."""


class ManagedDatabase(Workload):
    """A PostgreSQL server in the cluster, one pod with one volume."""

    enabled: bool = True
    """Run the module."""
    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    name: SqlName = "archesai"
    """Name of the database."""
    user: SqlName = "admin"
    """Owner of the database."""
    size: MemoryQuantity = "10Gi"
    """Size of the volume; it can grow, not shrink."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    claim_name: DnsLabel | None = None
    """Claim on the volume, `archesai-postgres-data` if not set; one that exists is taken over with its data."""
    resources: Resources = resources(("250m", "512Mi"), ("500m", "1Gi"), ("64Mi", "2Gi"))
    """CPU and memory."""
    postgres: Postgres = Postgres()
    """Server settings."""
    existing_secret: DnsLabel | None = None
    """Secret with the keys `POSTGRES_PASSWORD` and `DATABASE_URL`, made by others."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to have a generated password made anew; the server follows when its pod restarts."""
    run_on_host: RunOnHost | None = None
    """Use a server on the developer's machine instead of a pod; needs `databasePassword`."""

    @property
    def claim(self) -> str:
        """Name of the claim that holds the data."""
        return self.claim_name or f"{NAME}-data"


class ExternalDatabase(Model):
    """A PostgreSQL server that others run."""

    enabled: bool = True
    """Use the module."""
    mode: Literal["external"]
    """A server elsewhere."""
    host: Hostname | None = None
    """Host name of the server; not needed with `databaseUrl` or `existingSecret`."""
    port: Port = PORT
    """Port of the server."""
    name: SqlName = "archesai"
    """Name of the database."""
    user: SqlName = "admin"
    """User to connect as."""
    ssl_mode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "require"
    """`sslmode` of the connection."""
    cidrs: tuple[Cidr, ...] = ANYWHERE
    """Networks the server's addresses are in; the network policies allow no other."""
    service: ServicePeer | None = None
    """Pods behind the host, where it is a Service of another namespace in this cluster."""
    existing_secret: DnsLabel | None = None
    """Secret with the key `DATABASE_URL` (and `POSTGRES_PASSWORD`), made by others."""


@dataclass(frozen=True)
class DatabaseConnection:
    """What a consumer needs; it does not tell who runs the server."""

    url: SecretKey
    """The whole connection URL, password included."""
    fingerprint: tuple[pulumi.Output[str], ...]
    """Secret values whose change must roll the consumer; empty where others own the Secret."""
    ready: tuple[pulumi.Resource, ...]
    """What has to be up before the database can be used."""


@dataclass(frozen=True)
class DatabaseArgs:
    """What the component is built from."""

    settings: ManagedDatabase | ExternalDatabase
    credentials: Credentials


def parameters(settings: ManagedDatabase) -> dict[str, str]:
    """Server parameters for the memory limit and volume; explicit settings win.

    Ratios of the production guide's 8 GB server: buffers 1/4, cache 3/4, maintenance 1/16; the rest of its figures hold
    at any size.
    """
    postgres = settings.postgres
    limit = memory_bytes(settings.resources.limits.memory)
    volume = memory_bytes(settings.size)
    buffers = memory_bytes(postgres.shared_buffers) if postgres.shared_buffers else limit // 4
    work = max((limit - buffers) // (4 * postgres.max_connections), 64 * 2**10)
    wal = min(memory_bytes(postgres.max_wal_size), volume // 4)
    derived = {
        "max_connections": str(postgres.max_connections),
        "shared_buffers": _megabytes(buffers),
        "effective_cache_size": _megabytes(_bytes(postgres.effective_cache_size, limit * 3 // 4)),
        "maintenance_work_mem": _megabytes(_bytes(postgres.maintenance_work_mem, limit // 16)),
        "work_mem": f"{_bytes(postgres.work_mem, work) // 2**10}kB",
        "wal_buffers": _megabytes(min(16 * 2**20, max(buffers // 32, 2**20))),
        "min_wal_size": _megabytes(max(wal // 4, 32 * 2**20)),
        "max_wal_size": _megabytes(wal),
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "shared_preload_libraries": "pg_stat_statements",
        "password_encryption": "scram-sha-256",
    }
    return derived | dict(postgres.parameters)


def _bytes(quantity: str | None, default: int) -> int:
    return memory_bytes(quantity) if quantity else default


def _megabytes(count: int) -> str:
    return f"{max(count // 2**20, 1)}MB"


class Database(RunningComponent):
    """The database, whoever runs it, and the Secret that leads to it."""

    connection: DatabaseConnection

    def __init__(
        self, name: str, context: Context, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Database", name, context, opts)
        settings = args.settings
        if isinstance(settings, ExternalDatabase):
            self.connection = self._external(settings, args.credentials)
        else:
            self.connection = self._managed(settings, args.credentials)
        self.register_outputs({})

    def _external(self, settings: ExternalDatabase, credentials: Credentials) -> DatabaseConnection:
        if settings.existing_secret:
            return DatabaseConnection(secret_key(settings.existing_secret, "DATABASE_URL"), (), ())
        url = credentials.get(Credential.DATABASE_URL)
        data: dict[str, pulumi.Input[str]] = {}
        if url is None:
            password = credentials.values[Credential.DATABASE_PASSWORD]
            endpoint = Endpoint(settings.host or "", settings.port)
            url = connection_url(settings.user, password, endpoint, settings.name, settings.ssl_mode)
            data["POSTGRES_PASSWORD"] = password
        secret = self.secret(object_name(MODULE), data | {"DATABASE_URL": url})
        return DatabaseConnection(secret_key(secret, "DATABASE_URL"), (url,), (secret,))

    def _managed(self, settings: ManagedDatabase, credentials: Credentials) -> DatabaseConnection:
        service = self.service(NAME, {"postgres": PORT}, settings.run_on_host)
        if settings.existing_secret:
            secret_name: pulumi.Input[str] = settings.existing_secret
            url_key, secret_values = secret_key(settings.existing_secret, "DATABASE_URL"), ()
        else:
            password = credentials.get(Credential.DATABASE_PASSWORD) or self.generated(
                "password", version=settings.password_version
            )
            url = connection_url(settings.user, password, Endpoint(NAME, PORT), settings.name, "disable")
            secret = self.secret(object_name(MODULE), {"POSTGRES_PASSWORD": password, "DATABASE_URL": url})
            secret_name = secret.metadata.name
            url_key, secret_values = secret_key(secret, "DATABASE_URL"), (password,)
        if settings.run_on_host:
            return DatabaseConnection(url_key, secret_values, (service,))
        server = self._server(settings, secret_name, secret_values)
        return DatabaseConnection(url_key, secret_values, (service, server))

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
            probes=_probes(settings),
            lifecycle={
                "post_start": {"exec_": {"command": ["/bin/sh", "-c", _IN_BACKGROUND]}},
                "pre_stop": {"exec_": {"command": interrupt_command(0)}},
            },
        )
        pod = Pod(NAME, [server], mounts, settings.scheduling, GRACE_SECONDS, secret_values)
        return self.stateful_set(pod, {"postgres": PORT})

    def _mounts(self, settings: ManagedDatabase, secret_name: pulumi.Input[str]) -> list[Mount]:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        scripts = self.config_map("postgres-scripts", {"sync-password.sh": SYNC_PASSWORD})
        init = self.config_map("postgres-init", {"10-extensions.sql": CREATE_EXTENSIONS})
        shared_memory = mebibytes(memory_bytes(settings.resources.limits.memory) // 4)
        return [
            claim("data", MOUNT_PATH, data.metadata.name),
            secret_files("password", SECRETS_PATH, secret_name, ["POSTGRES_PASSWORD"]),
            config_files("scripts", SCRIPTS_PATH, scripts.metadata.name),
            config_files("init", "/docker-entrypoint-initdb.d", init.metadata.name),
            scratch("sockets", SOCKETS_PATH, "16Mi"),
            scratch("tmp", "/tmp", "1Gi"),
            scratch("shared-memory", "/dev/shm", shared_memory, memory=True),
        ]


# The hook must not wait for a server that recovers: its container counts as started only when the hook returns.
_IN_BACKGROUND = f"sh {SCRIPTS_PATH}/sync-password.sh >/proc/1/fd/1 2>/proc/1/fd/2 &"


def server_environment(settings: ManagedDatabase) -> dict[str, str]:
    """Environment of the server's container, which hooks and probes share.

    PGDATA is a directory below the mount: PostgreSQL refuses one whose mode the kubelet widened for the group.
    """
    return {
        "POSTGRES_USER": settings.user,
        "POSTGRES_DB": settings.name,
        "POSTGRES_PASSWORD_FILE": f"{SECRETS_PATH}/POSTGRES_PASSWORD",
        "POSTGRES_INITDB_ARGS": "--data-checksums",
        "PGDATA": f"{MOUNT_PATH}/pgdata",
        "PGSOCKETS": SOCKETS_PATH,
    }


def _probes(settings: ManagedDatabase) -> Probes:
    # 127.0.0.1: during the first initialisation a temporary server answers on the socket only.
    ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", settings.user, "-d", settings.name]
    return Probes(
        startup=exec_probe(ready, period=10, failures=360),
        readiness=exec_probe(ready, period=10, failures=3),
        liveness=tcp_probe(PORT, period=10, failures=6),
    )


def connection_url(
    user: str, password: pulumi.Input[str], endpoint: Endpoint, database: str, ssl_mode: str
) -> pulumi.Output[str]:
    """`postgresql://user:password@host:port/database?sslmode=…` with the password escaped."""

    def build(value: str) -> str:
        secret = quote(value, safe="")
        return f"postgresql://{user}:{secret}@{endpoint.address}/{database}?sslmode={ssl_mode}"

    return pulumi.Output.secret(password).apply(build)


def requirements(settings: ManagedDatabase | ExternalDatabase, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, as sentences that begin with a key."""
    missing: list[str] = []
    sources = [key for key in (Credential.DATABASE_PASSWORD, Credential.DATABASE_URL) if key in given]
    if settings.existing_secret and sources:
        missing.append(f"database.existingSecret: also set is {sources[0]}; keep one of the two")
    if isinstance(settings, ManagedDatabase):
        if Credential.DATABASE_URL in given:
            missing.append(
                "databaseUrl: only an external database takes a URL: set database.mode to external or remove it"
            )
        if settings.run_on_host and Credential.DATABASE_PASSWORD not in given and not settings.existing_secret:
            missing.append(
                "database.runOnHost: needs the server's password: pulumi config set --secret databasePassword"
            )
    elif not settings.existing_secret and Credential.DATABASE_URL not in given:
        if settings.host is None:
            missing.append("database.host: an external database needs host, databaseUrl or existingSecret")
        if Credential.DATABASE_PASSWORD not in given:
            missing.append(
                "database: an external database needs its password: pulumi config set --secret databasePassword"
            )
    elif not settings.existing_secret:
        port = _port(str(given[Credential.DATABASE_URL]))
        if port not in (None, settings.port):
            missing.append(
                f"database.port: databaseUrl has another port, which network policies must let out: set {port}"
            )
    return missing


def _port(url: str) -> int | None:
    """The port that a URL names; None where it names none, as in the stand-in for a value that is still encrypted."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None
