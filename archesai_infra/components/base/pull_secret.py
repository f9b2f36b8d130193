"""The login of a private registry, as the Secret that pods name."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass

import pulumi

from archesai_infra.components.base.external_secrets import Value

NAME = "regcred"
KEY = ".dockerconfigjson"
KIND = "kubernetes.io/dockerconfigjson"
"""Type of such a Secret."""


@dataclass(frozen=True)
class PullSecret:
    """The Secret that every pod names, and what it holds."""

    name: str
    document: pulumi.Output[str] | None
    """Docker's `config.json` with the login, secret; None where the stack's store has the password."""
    template: str = ""
    """What the operator of the store makes the document of."""


def pull_secret(server: str, username: str | None, password: pulumi.Output[str]) -> PullSecret:
    """The Secret for one user of a registry."""

    def document(value: str) -> str:
        token = b64encode(f"{username}:{value}".encode()).decode()
        login = {"username": username, "password": value, "auth": token}
        return json.dumps({"auths": {server: login}})

    return PullSecret(NAME, pulumi.Output.secret(password).apply(document))


def stored_pull_secret(server: str, username: str) -> PullSecret:
    """The same for a password that the stack's store has."""
    password, user = Value.REGISTRY_PASSWORD, json.dumps(username)
    # Text of JSON is text of Go too.
    token = f'(printf "%s:%s" {user} .{password} | b64enc)'
    login = f'dict "username" {user} "password" .{password} "auth" {token}'
    template = f'{{{{ dict "auths" (dict {json.dumps(server)} ({login})) | toJson }}}}'
    return PullSecret(NAME, None, template)
