"""A certificate authority for one rig, made by the `openssl` command, and the certificates it signs."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 30
_LOOPBACK = ("IP:127.0.0.1", "DNS:localhost")


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """Signs what the API server, the kubelet stand-in and their users present."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            raise RuntimeError(
                "the control plane makes its certificates with the openssl command, which is not on PATH"
            )
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._pair = KeyPair(directory / "ca.crt", self.private_key("ca"))
        _openssl("req", "-x509", "-new", "-key", self._pair.key, "-subj", "/CN=control-plane", "-days", "2",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self._pair.certificate)  # fmt: skip

    @property
    def certificate(self) -> Path:
        return self._pair.certificate

    def private_key(self, name: str) -> Path:
        """A new elliptic-curve key, made in milliseconds."""
        key = self._directory / f"{name}.key"
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        return key

    def serving(self, name: str, *names: str) -> KeyPair:
        """A certificate for a server on loopback, and at these names such as `IP:10.0.0.1` or `DNS:example.test`."""
        return self._sign(name, "/CN=localhost", [f"subjectAltName={','.join((*_LOOPBACK, *names))}"])

    def client(self, name: str, user: str, groups: Sequence[str], *, expired: bool = False) -> KeyPair:
        """A certificate that makes its bearer this user in these groups."""
        organisations = "".join(f"/O={group}" for group in groups)
        return self._sign(
            name, f"{organisations}/CN={user}", ["extendedKeyUsage=clientAuth"], days=-1 if expired else 2
        )

    def _sign(self, name: str, subject: str, extensions: Sequence[str], *, days: int = 2) -> KeyPair:
        pair = KeyPair(self._directory / f"{name}.crt", self.private_key(name))
        request = self._directory / f"{name}.csr"
        extension_file = self._directory / f"{name}.ext"
        # Python 3.13 and later refuse a certificate that does not name its issuer's key.
        extension_file.write_text("\n".join([*extensions, "authorityKeyIdentifier=keyid"]), encoding="utf-8")
        _openssl("req", "-new", "-key", pair.key, "-subj", subject, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self._pair.certificate, "-CAkey", self._pair.key,
                 "-set_serial", str(secrets.randbits(64)), "-days", str(days), "-extfile", extension_file,
                 "-out", pair.certificate)  # fmt: skip
        return pair


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
