"""Users of the object storage: each consumer of it has keys of its own, which open one bucket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from archesai_infra.kube.names import object_name

API = "api"
OBJECTS = "objects"
"""The copy of the objects, which only reads."""
RESTORE = "restore"
"""Writes a copy back into the bucket; no pod runs with it between restores."""
LOGS = "logs"
PROMETHEUS = "prometheus"
BACKUPS = "backups"
"""Velero and the copy, where a development stack keeps its backups in its own object storage."""

PREFIX = "user-"
"""Of access keys: no other name of a stack begins so, and a key is found wherever it does not belong."""

Rights = Literal["read", "write", "metrics"]

_LIST = ("s3:GetBucketLocation", "s3:ListBucket")
_UPLOADS = ("s3:ListBucketMultipartUploads",)
_WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")


def secret(user: str) -> str:
    """Name of the Secret with a user's keys."""
    return object_name(f"storage-{user}")


@dataclass(frozen=True)
class User:
    """A consumer and what it may do."""

    name: str
    rights: Rights
    bucket: str = ""
    """The only bucket it may use; none for metrics."""

    @property
    def access_key(self) -> str:
        """The server's name of the user and of its policy; servers take 3 to 20 characters."""
        return PREFIX + self.name

    @property
    def secret(self) -> str:
        """Name of the Secret with the user's keys."""
        return secret(self.name)

    @property
    def policy(self) -> str:
        """What the user may do, as a policy of S3 servers in JSON."""
        return json.dumps({"Version": "2012-10-17", "Statement": self._statements()}, indent=2)

    def _statements(self) -> list[dict[str, object]]:
        if self.rights == "metrics":
            return [{"Effect": "Allow", "Action": ["admin:Prometheus"]}]
        bucket = f"arn:aws:s3:::{self.bucket}"
        writes = self.rights == "write"
        return [
            {"Effect": "Allow", "Action": [*_LIST, *(_UPLOADS if writes else ())], "Resource": [bucket]},
            {"Effect": "Allow", "Action": ["s3:GetObject", *(_WRITE if writes else ())], "Resource": [f"{bucket}/*"]},
        ]


def buckets(application: str, users: Sequence[User]) -> list[str]:
    """Every bucket that the stack uses, the application's first."""
    return list(dict.fromkeys([application, *(user.bucket for user in users if user.bucket)]))
