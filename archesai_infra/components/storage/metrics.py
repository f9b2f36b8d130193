"""The object storage's own metrics: MinIO serves them to clients with a token signed with its secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from archesai_infra.components.storage.settings import ExternalStorage, ManagedStorage
from archesai_infra.kube.names import object_name

TOKEN_SECRET = object_name("storage-metrics")
TOKEN_KEY = "token"
PATHS = ("/minio/v2/metrics/cluster", "/minio/v2/metrics/bucket")
_ISSUER = "prometheus"
_EXPIRY = 4_102_444_800
"""2100-01-01: a token has to end, and a new secret key ends it at once."""


def served(settings: ManagedStorage | ExternalStorage) -> bool:
    """Whether Prometheus can read the server's metrics: RustFS has none to read."""
    return isinstance(settings, ManagedStorage) and settings.enabled and settings.server == "minio"


def token(access_key: str, secret_key: str) -> str:
    """The token that lets Prometheus in, the same for the same keys."""
    head = {"alg": "HS512", "typ": "JWT"}
    claims = {"exp": _EXPIRY, "iss": _ISSUER, "sub": access_key}
    signed = f"{_part(head)}.{_part(claims)}"
    signature = hmac.new(secret_key.encode(), signed.encode(), hashlib.sha512).digest()
    return f"{signed}.{_encoded(signature)}"


def _part(content: Mapping[str, object]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":"), sort_keys=True).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
