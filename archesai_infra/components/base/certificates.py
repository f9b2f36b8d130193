"""Certificates of servers in the stack's pods: of a Secret that exists, or made by cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import model_validator

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.kube.names import object_name
from archesai_infra.kube.volumes import Mount, secret_file, secret_files
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel

SERVER_PATH = "/run/certificates/server"
"""Where a server finds its certificate. The kubelet gives the files to root and the pod's group, mode 0440: of a key
that belongs to root, PostgreSQL takes this."""
_FILES = ("tls.crt", "tls.key", CA_FILE)


class Issuer(Model):
    """An issuer of cert-manager."""

    name: DnsLabel
    """Its name."""
    kind: Literal["Issuer", "ClusterIssuer"] = "Issuer"
    """Whether it is one of the stack's namespace or of the whole cluster."""


class ServerCertificate(Model):
    """Where a server's certificate comes from."""

    secret: DnsLabel | None = None
    """Existing Secret with `tls.crt`, `tls.key` and `ca.crt`."""
    issuer: Issuer | None = None
    """Issuer of cert-manager that makes the certificate, in place of `secret`; one with an authority of its own, as
    public ones sign no names of a cluster."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.secret is None) == (self.issuer is None):
            raise ValueError("needs one of secret and issuer, and not both")
        return self


def service_names(service: str, namespace: str) -> list[str]:
    """The names by which clients call a Service."""
    return [service, f"{service}.{namespace}", f"{service}.{namespace}.svc"]


def certificate_secret(component: Component, tls: ServerCertificate, hosts: Sequence[str]) -> pulumi.Input[str]:
    """Name of the Secret with the certificate for these hosts, which cert-manager fills where an issuer is named."""
    return tls.secret or _certificate(component, tls.issuer, hosts)


def _certificate(component: Component, issuer: Issuer | None, hosts: Sequence[str]) -> pulumi.Output[str]:
    if issuer is None:
        raise ValueError(f"{component.module}.tls: neither secret nor issuer")
    secret = object_name(f"{component.module}-tls")
    made = CustomResource(
        f"{component.module}-certificate",
        api_version="cert-manager.io/v1",
        kind="Certificate",
        metadata=component.metadata(secret, {"pulumi.com/waitFor": "condition=Ready"}),
        spec={
            "secretName": secret,
            "dnsNames": list(hosts),
            "usages": ["server auth", "digital signature", "key encipherment"],
            "privateKey": {"rotationPolicy": "Always"},
            "issuerRef": {"name": issuer.name, "kind": issuer.kind, "group": "cert-manager.io"},
        },
        opts=component.child(),
    )
    # As an output, the name makes its users wait for the certificate.
    return made.urn.apply(lambda _: secret)


def server_files(name: pulumi.Input[str]) -> Mount:
    """The server's certificate, key and authority."""
    return secret_files("tls", SERVER_PATH, name, _FILES)


def authority(module: str, name: pulumi.Input[str], directory: str) -> Mount:
    """What a module's consumers check the certificate against."""
    return secret_file(f"{module}-ca", directory, name, CA_FILE, CA_FILE)
