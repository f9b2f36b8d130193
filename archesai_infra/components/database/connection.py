"""What consumers of the database are given."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra.components.base.context import Endpoint
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.components.base.settings import Resources
from archesai_infra.kube.pods import SecretKey
from archesai_infra.kube.volumes import Mount

CONNECT_SECONDS = 5
"""Bound on one attempt to connect, in seconds.

Attempts that meet a pod on its way out get no answer, and pgx gives each two minutes. A few fill its pool: without a
bound the api was without a database for two minutes after a pod was deleted, with a server that had been up for most.
"""


@dataclass(frozen=True)
class DatabaseConnection:
    """What a consumer needs; it does not tell who runs the server."""

    url: SecretKey
    """The whole connection URL, password included."""
    secret_values: tuple[pulumi.Output[str], ...]
    """Secret values whose change must roll the consumer; empty where others own the Secret."""
    ready: tuple[pulumi.Resource, ...]
    """What has to be up before the database can be used."""
    waiting: tuple[ContainerArgsDict, ...] = ()
    """Containers that end once a server that is applied beside their pod answers: `kubectl apply` orders nothing."""
    roles: Roles | None = None
    """Roles for operations; None where everything uses the application's."""
    pooled: SecretKey | None = None
    """URL of the api where it shares connections of a pooler; whatever needs a session of its own takes `url`."""
    certificate: Mount | None = None
    """File of the authority that the server's certificate is checked against."""
    archive: ArchiveConnection | None = None
    """The archive of the server's log; None where it keeps none."""

    @property
    def variables(self) -> dict[str, str]:
        """Environment in clear of every client, beside the URL: libpq, pgx and the exporter's driver read it alike."""
        return {"PGSSLROOTCERT": f"{self.certificate.path}/{CA_FILE}"} if self.certificate else {}

    @property
    def mounts(self) -> list[Mount]:
        """Volumes of every client."""
        return [self.certificate] if self.certificate else []


@dataclass(frozen=True)
class ArchiveConnection:
    """The archive of the server's log and base backups, and what reads it."""

    destination: str
    """`s3://bucket/path`."""
    name: str
    """Name of the archive below the destination."""
    endpoint: str | None
    """URL of an S3 service that is not AWS."""
    keys: Mapping[str, SecretKey]
    """The bucket's keys by variable; none where a role takes their place."""
    role: Mapping[str, str]
    """Annotations of a service account that has the role."""
    environment: Mapping[str, str]
    """Environment in clear of Barman's programs."""
    server_image: str
    """Image of the server, whose files the archive holds."""
    barman_image: str
    """Image with Barman's programs."""
    resources: Resources
    """CPU and memory of Barman's programs."""
    administrator: str
    """Superuser inside the archived server."""
    size: str
    """Size of the volumes of one instance, a Kubernetes quantity."""


@dataclass(frozen=True)
class Roles:
    """Roles of a managed server besides the application's."""

    administrator: str
    """The superuser, which restores need."""
    password: SecretKey
    """Its password."""
    monitor: SecretKey | None = None
    """URL of a role that reads the server's statistics; the application's where it is None."""
    dump: SecretKey | None = None
    """URL of a role that reads all data; the application's where it is None."""


def role_password(password: pulumi.Output[str], role: str) -> pulumi.Output[str]:
    """Password of a role, derived from the administrator's: it changes with it, and does not tell it."""

    def derive(value: str) -> str:
        return hmac.new(value.encode(), role.encode(), hashlib.sha256).hexdigest()

    return pulumi.Output.secret(password).apply(derive)


def connection_url(
    user: str, password: pulumi.Input[str], endpoint: Endpoint, database: str, ssl_mode: str
) -> pulumi.Output[str]:
    """`postgresql://user:password@host:port/database?sslmode=…&connect_timeout=…` with the password escaped."""

    def build(value: str) -> str:
        return url_text(user, quote(value, safe=""), endpoint, database, ssl_mode)

    return pulumi.Output.secret(password).apply(build)


def url_text(user: str, password: str, endpoint: Endpoint, database: str, ssl_mode: str) -> str:
    """The same of a password that is escaped, or of a template that escapes it."""
    options = f"sslmode={ssl_mode}&connect_timeout={CONNECT_SECONDS}"
    return f"postgresql://{user}:{password}@{endpoint.address}/{database}?{options}"
