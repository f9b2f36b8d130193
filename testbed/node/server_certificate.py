"""The certificate of a database's pod, as the operator of a stack brings it."""

from __future__ import annotations

from archesai_infra.components import database
from testbed.controlplane.api import Object
from testbed.controlplane.certificates import CertificateAuthority
from testbed.stacks import Config

_NAME = "database-certificate"
SETTINGS: Config = {"database": {"tls": {"secret": _NAME, "required": True}}}
"""Of a stack whose database uses it."""


def secret(authority: CertificateAuthority, namespace: str, name: str) -> Object:
    """The Secret with a new certificate of that file name for the server's Service."""
    pair = authority.serving(name, f"DNS:{database.NAME}")
    files = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.certificate}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _NAME, "namespace": namespace},
        "stringData": {key: file.read_text(encoding="utf-8") for key, file in files.items()},
    }
