"""Settings of the database, and what its credentials lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from archesai_infra import versions
from archesai_infra.components.base.certificates import ServerCertificate
from archesai_infra.components.base.peers import Certificate, ServicePeer
from archesai_infra.components.base.settings import (
    DataVolume,
    ExternalModule,
    HostableModule,
    Image,
    PodImages,
    Resources,
    RunOnHost,
    WorkloadModule,
    resources,
)
from archesai_infra.components.database.cluster.pooler import Pooler
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.database.tuning import Postgres
from archesai_infra.credentials import Credential
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DatabaseName, DnsLabel, Hostname, MemoryQuantity, Port, SqlName
from archesai_infra.versions import ImageVersion

MODULE = "database"
NAME = object_name("postgres")
PORT = 5432
SECRET = object_name(MODULE)
"""Secret with the server's password and the connection URL."""
SOURCE_SECRET = object_name(f"{MODULE}-source")
"""Secret with the URL of the server elsewhere that a cluster has its data from."""
PASSWORD_KEY = "POSTGRES_PASSWORD"
URL_KEY = "DATABASE_URL"
MONITOR_URL_KEY = "MONITOR_URL"
DUMP_URL_KEY = "DUMP_URL"
POOLER_URL_KEY = "POOLER_URL"
MONITOR_ROLE = "arches_monitor"
DUMP_ROLE = "arches_dump"


class ServerTls(ServerCertificate):
    """TLS of the single pod: consumers check its certificate and its name."""

    secret: DnsLabel | None = None
    """Existing Secret with `tls.crt`, `tls.key` and `ca.crt`, for the host `archesai-postgres`."""
    required: bool = False
    """Refuse connections without TLS. Set it one `up` after the rest: pods of before still connect without."""


class DatabasePod(WorkloadModule, DataVolume):
    """What a PostgreSQL server in one pod with one volume has, and what a cluster of instances shares with it."""

    default_image = versions.DATABASE
    default_claim = f"{NAME}-data"

    enabled: bool = True
    """Run the module."""
    name: DatabaseName = "archesai"
    """Name of the database."""
    user: SqlName = "admin"
    """Superuser of the server, which only its own pod and restores use."""
    application_user: SqlName = "arches_app"
    """Role of the api and of migrations: it owns the database and is no superuser. The server makes it at its start and
    gives it what `user` owns. With `existingSecret` it is the user that `DATABASE_URL` names."""
    size: MemoryQuantity = "10Gi"
    """Size of the volume; it can grow, not shrink."""
    resources: Resources = resources(("250m", "512Mi"), ("500m", "1Gi"), ("64Mi", "2Gi"))
    """CPU and memory."""
    postgres: Postgres = Postgres()
    """Server settings."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the keys `POSTGRES_PASSWORD` and `DATABASE_URL`. The server makes the URL's user the owner
    of the database; name another one than `user` there, which is a superuser."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to regenerate a generated password; the server follows when its pod restarts."""

    @model_validator(mode="after")
    def _roles_differ(self) -> Self:
        for key, name in (("user", self.user), ("applicationUser", self.application_user)):
            if name in (MONITOR_ROLE, DUMP_ROLE):
                raise ValueError(f"{key}: {name} is a role of the stack's own operations")
        if self.application_user == self.user:
            raise ValueError(f"applicationUser: must not be the superuser, database.user (got {self.user})")
        return self


class ManagedDatabase(HostableModule, DatabasePod):
    """A PostgreSQL server in the cluster, one pod with one volume."""

    enabled: bool = True
    """Run the module."""
    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    run_on_host: RunOnHost | None = None
    """Use a server on the developer's machine instead of a pod; needs `databasePassword`."""
    tls: ServerTls | None = None
    """TLS between pods and the server; without it they speak in clear. With `existingSecret` the URLs are yours: give
    them `sslmode=verify-full`."""

    @model_validator(mode="after")
    def _tls_is_the_pods(self) -> Self:
        if self.tls is not None and self.run_on_host is not None:
            raise ValueError("tls: is the pod's, and runOnHost has none: remove one")
        return self


class ExternalServer(Model):
    """A PostgreSQL server that others run, and how it is reached."""

    host: Hostname | None = None
    """Host name of the server; not needed with `databaseUrl` or `existingSecret`."""
    port: Port = PORT
    """Port of the server."""
    name: DatabaseName = "archesai"
    """Name of the database."""
    user: SqlName = "admin"
    """User to connect as."""
    ssl_mode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "require"
    """`sslmode` of the connection; of a whole URL the URL's own counts."""
    ca: Certificate | None = None
    """Authority that the server's certificate is checked against, for api, migrations, exporter and dumps."""
    cidrs: tuple[Cidr, ...] = ANYWHERE
    """Networks the server's addresses are in; the network policies allow no other."""
    version: int | None = Field(default=None, ge=13, le=18)
    """Major version of the server. Dumps and drills use tools of this version where it is newer than the program's own
    (PostgreSQL's tools dump older servers and refuse newer ones)."""
    service: ServicePeer | None = None
    """Pods behind the host, where it is a Service of another namespace in this cluster."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the key `DATABASE_URL` (and `POSTGRES_PASSWORD`)."""

    @model_validator(mode="after")
    def _certificate_is_used(self) -> Self:
        if self.ca is not None and self.ssl_mode == "disable":
            raise ValueError("ca: sslMode is disable, which checks no certificate: set verify-full")
        return self

    @property
    def url_secret(self) -> str:
        """Secret with its URL for a move, beside what the stack's clients use."""
        return self.existing_secret or SOURCE_SECRET


class ClusterDatabase(DatabasePod):
    """Instances that CloudNativePG runs: one primary, and standbys that take over.

    `name`, `applicationUser`, `existingSecret` and `passwordVersion` hold for it; the other keys beside `cluster`
    describe the single pod of `mode: managed`, as long as `singlePod` keeps it.
    """

    enabled: bool = True
    """Run the module."""
    mode: Literal["cluster"]
    """Instances that replicate, run by the operator CloudNativePG."""
    cluster: ClusterSettings = ClusterSettings()
    """The instances."""
    pooler: Pooler | None = None
    """PgBouncer between the api and the cluster; `{}` adds it. With `existingSecret`, the Secret needs the key
    `POOLER_URL`, the application's URL with the host `archesai-pooler`."""
    single_pod: Literal["serving", "kept", "removed"] | None = None
    """What becomes of the pod of `mode: managed`: `serving` still answers behind the Service while the cluster runs
    beside it, `kept` runs without being asked, `removed` is gone but for its volume. A stack that had one must say."""
    moved_from: ExternalServer | None = None
    """The server elsewhere that the database came from: `arches move database` writes it for the way back. Remove it
    when nobody will go back."""

    @property
    def keeps_single_pod(self) -> bool:
        """Whether the pod of `mode: managed` runs."""
        return self.single_pod in ("serving", "kept")

    @property
    def serves_from_single_pod(self) -> bool:
        """Whether the Service leads to the pod of `mode: managed`."""
        return self.single_pod == "serving"

    @property
    def pools(self) -> Pooler | None:
        """PgBouncer, where the api uses it: the single pod has none."""
        return self.pooler if self.enabled and not self.serves_from_single_pod else None

    @property
    def pod_images(self) -> PodImages:
        """Images of the single pod, of the instances and of the operator, as far as the stack runs them."""
        if not self.enabled:
            return {}
        used: dict[str, tuple[Image, ImageVersion]] = {"cluster.image": (self.cluster.image, versions.POSTGRES)}
        if self.cluster.operator == "install":
            used["cluster.operatorImage"] = (self.cluster.operator_image, versions.CLOUDNATIVE_PG)
        if (archive := self.cluster.archive).enabled and archive.plugin == "install":
            used["cluster.archive.pluginImage"] = (archive.plugin_image, versions.BARMAN_PLUGIN)
            used["cluster.archive.sidecarImage"] = (archive.sidecar_image, versions.BARMAN_SIDECAR)
        if self.pools is not None:
            used["pooler.image"] = (self.pools.image, versions.PGBOUNCER)
        if self.keeps_single_pod:
            used["image"] = (self.image, self.default_image)
        return used


class ExternalDatabase(ExternalServer, ExternalModule):
    """A PostgreSQL server that others run."""

    enabled: bool = True
    """Use the module."""
    mode: Literal["external"]
    """A server elsewhere."""
    cluster: ClusterSettings | None = None
    """Instances beside the server, without clients: `arches move database` makes them and moves the data there."""

    @property
    def destination(self) -> ClusterDatabase | None:
        """The cluster that the database moves to, as it will be."""
        if self.cluster is None or not self.enabled:
            return None
        return ClusterDatabase(mode="cluster", name=self.name, cluster=self.cluster)

    @property
    def pod_images(self) -> PodImages:
        """Those of the cluster that the database moves to."""
        return self.destination.pod_images if self.destination is not None else {}


def requirements(
    settings: ManagedDatabase | ClusterDatabase | ExternalDatabase, given: Mapping[Credential, object]
) -> list[str]:
    """What the credentials lack or have too much of, each as `key: problem and cure`."""
    missing: list[str] = []
    sources = [key for key in (Credential.DATABASE_PASSWORD, Credential.DATABASE_URL) if key in given]
    if settings.existing_secret and sources:
        missing.append(f"database.existingSecret: {sources[0]} is also set; keep only one")
    if isinstance(settings, DatabasePod):
        came = isinstance(settings, ClusterDatabase) and settings.moved_from is not None
        if Credential.DATABASE_URL in given and not came:
            missing.append(
                "databaseUrl: only an external database takes a URL: set database.mode to external or remove it"
            )
        on_host = isinstance(settings, ManagedDatabase) and settings.run_on_host is not None
        if on_host and Credential.DATABASE_PASSWORD not in given and not settings.existing_secret:
            missing.append("database.runOnHost: needs the server's password: arches config set databasePassword")
    elif not settings.existing_secret and Credential.DATABASE_URL not in given:
        if settings.host is None:
            missing.append("database.host: an external database needs host, databaseUrl or existingSecret")
        if Credential.DATABASE_PASSWORD not in given:
            missing.append("database: an external database needs its password: arches config set databasePassword")
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
