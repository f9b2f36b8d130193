"""What consumers of the database are given."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra.components.base.component import Endpoint
from archesai_infra.kube.pods import SecretKey


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


def connection_url(
    user: str, password: pulumi.Input[str], endpoint: Endpoint, database: str, ssl_mode: str
) -> pulumi.Output[str]:
    """`postgresql://user:password@host:port/database?sslmode=…` with the password escaped."""

    def build(value: str) -> str:
        secret = quote(value, safe="")
        return f"postgresql://{user}:{secret}@{endpoint.address}/{database}?sslmode={ssl_mode}"

    return pulumi.Output.secret(password).apply(build)
