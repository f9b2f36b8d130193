"""Who signs images and charts of stacks, where the project publishes it; the rest has no known signature.

docs/security.md prints the same table as commands, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Signer:
    """Whose signature an image has to carry."""

    options: tuple[str, ...]
    """Options of `cosign verify`."""
    expected: str
    """The address of the key, or the identity that the certificate has to name."""


def _key(address: str, *options: str) -> Signer:
    return Signer((*options, "--key", address), address)


def _workflow(place: str) -> Signer:
    """A workflow of GitHub Actions; `place` is a regular expression without its beginning."""
    expected = f"^https://github.com/{place}"
    issuer = "https://token.actions.githubusercontent.com"
    return Signer(("--certificate-oidc-issuer", issuer, "--certificate-identity-regexp", expected), expected)


def _account(issuer: str, name: str) -> Signer:
    return Signer(("--certificate-oidc-issuer", issuer, "--certificate-identity", name), name)


# https://cert-manager.io/docs/installation/code-signing: the signatures are in no transparency log.
_CERT_MANAGER = _key(
    "https://cert-manager.io/public-keys/cert-manager-pubkey-2021-09-20.pem",
    *("--signature-digest-algorithm", "sha512", "--insecure-ignore-tlog"),
)
# scripts/push-docker-image.sh of prometheus-operator signs tags alone, in this workflow.
_PROMETHEUS_OPERATOR = _workflow("prometheus-operator/prometheus-operator/.github/workflows/publish.yaml@refs/tags/v")
# https://cloudnative-pg.io/documentation/current/installation_upgrade: operator and PostgreSQL.
_CLOUDNATIVE_PG = _workflow("cloudnative-pg/cloudnative-pg/.github/workflows/release-publish.yml@refs/tags/v")
_POSTGRES = _workflow("cloudnative-pg/postgres-containers/")
# The repositories' own workflows sign what they push from branch main.
_PGBOUNCER = _workflow("cloudnative-pg/pgbouncer-containers/.github/workflows/build.yml@refs/heads/main$")
_CLOUDNATIVE_PG_CHARTS = _workflow("cloudnative-pg/charts/.github/workflows/release-publish.yml@refs/heads/main$")
# https://kubernetes.io/docs/tasks/administer-cluster/verify-signed-artifacts
_KUBERNETES = _account("https://accounts.google.com", "krel-trust@k8s-releng-prod.iam.gserviceaccount.com")

SIGNERS: Mapping[str, Signer] = {
    "quay.io/jetstack/cert-manager-controller": _CERT_MANAGER,
    "quay.io/jetstack/cert-manager-webhook": _CERT_MANAGER,
    "quay.io/jetstack/cert-manager-cainjector": _CERT_MANAGER,
    "quay.io/jetstack/cert-manager-acmesolver": _CERT_MANAGER,
    "quay.io/jetstack/cert-manager-startupapicheck": _CERT_MANAGER,
    "quay.io/prometheus-operator/prometheus-operator": _PROMETHEUS_OPERATOR,
    "quay.io/prometheus-operator/prometheus-config-reloader": _PROMETHEUS_OPERATOR,
    "ghcr.io/cloudnative-pg/cloudnative-pg": _CLOUDNATIVE_PG,
    "ghcr.io/cloudnative-pg/postgresql": _POSTGRES,
    "ghcr.io/cloudnative-pg/pgbouncer": _PGBOUNCER,
    "ghcr.io/cloudnative-pg/charts/cloudnative-pg": _CLOUDNATIVE_PG_CHARTS,
    "ghcr.io/cloudnative-pg/charts/plugin-barman-cloud": _CLOUDNATIVE_PG_CHARTS,
    "registry.k8s.io/kube-state-metrics/kube-state-metrics": _KUBERNETES,
}
"""By the repository of an image or a chart."""
