"""The certificate of the server in its pod, and what takes it."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.components.database.settings import MODULE, NAME, DatabasePod, Issuer, ManagedDatabase, ServerTls
from archesai_infra.kube.names import object_name
from archesai_infra.kube.volumes import Mount, secret_file, secret_files

SERVER_PATH = "/run/certificates/server"
"""Where the server finds its certificate. The kubelet gives the files to root and the pod's group, mode 0440: of a key
that belongs to root, PostgreSQL takes this."""
_SECRET = object_name(f"{MODULE}-tls")
_FILES = ("tls.crt", "tls.key", CA_FILE)


def settings_of(settings: DatabasePod) -> ServerTls | None:
    """The TLS of a server's pod, where it has any."""
    return settings.tls if isinstance(settings, ManagedDatabase) else None


def certificate_secret(component: Component, tls: ServerTls) -> pulumi.Input[str]:
    """Name of the Secret with the certificate, which cert-manager fills where an issuer is named."""
    return tls.secret or _certificate(component, tls.issuer)


def _certificate(component: Component, issuer: Issuer | None) -> pulumi.Output[str]:
    if issuer is None:
        raise ValueError("database.tls: neither secret nor issuer")
    namespace = component.context.namespace
    hosts = [NAME, f"{NAME}.{namespace}", f"{NAME}.{namespace}.svc"]
    made = CustomResource(
        f"{component.module}-certificate",
        api_version="cert-manager.io/v1",
        kind="Certificate",
        metadata=component.metadata(_SECRET, {"pulumi.com/waitFor": "condition=Ready"}),
        spec={
            "secretName": _SECRET,
            "dnsNames": hosts,
            "usages": ["server auth", "digital signature", "key encipherment"],
            "privateKey": {"rotationPolicy": "Always"},
            "issuerRef": {"name": issuer.name, "kind": issuer.kind, "group": "cert-manager.io"},
        },
        opts=component.child(),
    )
    # As an output, the name makes its users wait for the certificate.
    return made.urn.apply(lambda _: _SECRET)


def server_files(name: pulumi.Input[str]) -> Mount:
    """The server's certificate, key and authority."""
    return secret_files("tls", SERVER_PATH, name, _FILES)


def authority(name: pulumi.Input[str], directory: str) -> Mount:
    """What consumers check the certificate against."""
    return secret_file("database-ca", directory, name, CA_FILE, CA_FILE)


def tls_parameters(settings: DatabasePod, scripts_path: str) -> dict[str, str]:
    """Parameters of a server with a certificate; none of one without."""
    tls = settings_of(settings)
    if tls is None:
        return {}
    files = {"ssl": "on", "ssl_cert_file": f"{SERVER_PATH}/tls.crt", "ssl_key_file": f"{SERVER_PATH}/tls.key"}
    return files | ({"hba_file": f"{scripts_path}/pg_hba.conf"} if tls.required else {})
