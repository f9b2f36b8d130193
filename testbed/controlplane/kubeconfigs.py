"""Kubeconfig files for any user of a rig: whole and self-contained, so that a test can copy or change them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from testbed.controlplane.api import Object
from testbed.controlplane.certificates import CertificateAuthority, KeyPair

CONTEXT = "control-plane"


class Kubeconfigs:
    """Writes kubeconfigs for one API server into one directory."""

    def __init__(self, directory: Path, server: str, authority: CertificateAuthority) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._server = server
        self._authority = authority

    def for_user(self, user: str, groups: Sequence[str], *, expired: bool = False) -> tuple[Path, KeyPair]:
        """A user known by a client certificate, and that certificate."""
        name = f"{user}-expired" if expired else user
        identity = self._authority.client(name, user, groups, expired=expired)
        entry = {
            "client-certificate-data": _encoded(identity.certificate),
            "client-key-data": _encoded(identity.key),
        }
        return self._write(name, entry), identity

    def for_token(self, name: str, token: str) -> Path:
        """Whoever the API server takes the bearer of this token for, if anyone."""
        return self._write(name, {"token": token})

    def _write(self, name: str, user: Object) -> Path:
        """One context; JSON is YAML that every client reads."""
        cluster = {"server": self._server, "certificate-authority-data": _encoded(self._authority.certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": CONTEXT, "user": user}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
            "current-context": CONTEXT,
        }
        path = self._directory / f"{name}.kubeconfig"
        # Clients warn about one that others can read.
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return path


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
