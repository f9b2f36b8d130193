"""The login of a private registry, as the Secret that pods name."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

NAME = "regcred"


@dataclass(frozen=True)
class PullSecret:
    """The Secret that every pod names, and what it holds."""

    name: str
    document: pulumi.Output[str]
    """Docker's `config.json` with the login; secret."""

    def create(self, logical_name: str, metadata: ObjectMetaArgsDict, opts: pulumi.ResourceOptions) -> Secret:
        """The Secret in one more namespace."""
        return Secret(
            logical_name,
            metadata=metadata,
            type="kubernetes.io/dockerconfigjson",
            string_data={".dockerconfigjson": self.document},
            opts=opts,
        )


def pull_secret(server: str, username: str | None, password: pulumi.Output[str]) -> PullSecret:
    """The Secret for one user of a registry."""

    def document(value: str) -> str:
        token = b64encode(f"{username}:{value}".encode()).decode()
        login = {"username": username, "password": value, "auth": token}
        return json.dumps({"auths": {server: login}})

    return PullSecret(NAME, pulumi.Output.secret(password).apply(document))
