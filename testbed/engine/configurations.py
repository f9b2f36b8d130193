"""The stacks that are deployed: the shipped ones, and one with every module and every kind of credential."""

from __future__ import annotations

import secrets

from archesai_infra.credentials import Credential
from testbed.controlplane.kubeconfigs import CONTEXT
from testbed.matrix import EVERYTHING, ON
from testbed.stacks import DEVELOPMENT, Config, shipped_config

DEV = DEVELOPMENT
PROD: Config = shipped_config("prod") | {"cluster": {"context": CONTEXT}}
EVERY_MODULE: Config = EVERYTHING | {
    "monitoring": ON,
    "backups": ON | {"bucket": "backups", "endpoint": "https://s3.example.com"},
    "ingress": {
        "enabled": True,
        "hosts": {"storage": "storage"},
        "tls": {"enabled": True, "issuer": "letsencrypt-prod"},
        "clusterIssuer": {"create": True, "email": "operations@example.com"},
        "controller": {"install": True},
        "certManager": {"install": True},
    },
    "security": {"registry": {"username": "robot"}, "quota": ON, "limits": ON},
}

GIVEN = (
    Credential.REGISTRY_PASSWORD,
    Credential.BACKUPS_ACCESS_KEY,
    Credential.BACKUPS_SECRET_KEY,
    Credential.GRAFANA_ADMIN_PASSWORD,
    Credential.API_JWT_SECRET,
)
"""Credentials that the configuration gives in the stack with everything; the others are generated."""


def given() -> dict[str, str]:
    """A value for each of those credentials, another in every run."""
    return {credential: f"{credential}-{secrets.token_urlsafe(16)}" for credential in GIVEN}


def placeholders() -> Config:
    """The same keys for evaluations, which never see secret values."""
    return {credential: f"configured:{credential}" for credential in GIVEN}
