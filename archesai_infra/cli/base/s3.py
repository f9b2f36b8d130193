"""Questions about a bucket to an S3 service, signed with AWS Signature Version 4.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests

SECONDS = 5
"""Longest wait for a connection, and for each part of an answer."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Keys:
    """Who asks."""

    access: str
    secret: str
    token: str | None = None
    """Of a temporary login."""


@dataclass(frozen=True)
class Bucket:
    """A bucket and how it is asked."""

    endpoint: str
    """URL of the service, without a path."""
    region: str
    name: str
    keys: Keys

    def ask(self, subresource: str, now: datetime) -> requests.Response:
        """The service's answer about a property, such as `versioning`; raises requests.RequestException.

        Args:
            subresource: Name of the property.
            now: The time in UTC; the service refuses one that is some minutes off.
        """
        headers = self._signed(subresource, now)
        url = f"{self.endpoint}/{self.name}?{subresource}="
        return requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)

    def _signed(self, subresource: str, now: datetime) -> Mapping[str, str]:
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": urlsplit(self.endpoint).netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
        if self.keys.token is not None:
            headers["x-amz-security-token"] = self.keys.token
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = "\n".join(["GET", f"/{self.name}", f"{subresource}=", lines, names, _EMPTY])
        credential = "/".join([moment[:8], self.region, "s3", "aws4_request"])
        text = "\n".join([_ALGORITHM, moment, credential, hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{self.keys.secret}".encode()
        for part in credential.split("/"):
            key = _hmac(key, part)
        signature = _hmac(key, text).hex()
        value = f"{_ALGORITHM} Credential={self.keys.access}/{credential}, SignedHeaders={names}, Signature={signature}"
        return headers | {"authorization": value}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
