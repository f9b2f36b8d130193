"""Values of Grafana, which comes with kube-prometheus-stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra.components.base.pods import SECRETS_ANNOTATION
from archesai_infra.components.base.watch.panels import LOKI_SOURCE
from archesai_infra.components.monitoring.prometheus import RELEASE, SMALL
from archesai_infra.components.monitoring.settings import Grafana

SERVICE = f"{RELEASE}-grafana"
PORT = 80
POD_PORT = 3000
PODS = {"app.kubernetes.io/name": "grafana"}
SECRET = "grafana-admin"
PASSWORD_KEY = "admin-password"
SYNC_LOGIN = "printenv GF_SECURITY_ADMIN_PASSWORD | grafana cli admin reset-admin-password --password-from-stdin"
"""Command in Grafana's container: a database on a volume keeps the password that it began with."""
DASHBOARD_LABEL = "grafana_dashboard"
FOLDER_ANNOTATION = "grafana_folder"


@dataclass(frozen=True)
class GrafanaArgs:
    """What the values are built from, besides the settings."""

    namespaces: tuple[str, ...]
    """The monitoring's namespace and the stack's, where dashboards are."""
    login: pulumi.Input[str] | None
    """Fingerprint of the login: another login is another pod. None for an existing Secret."""
    keep: bool
    """Whether the volume outlives the release."""
    url: str | None
    """Public URL, if it has one."""
    loki_url: str


def values(grafana: Grafana, args: GrafanaArgs) -> dict[str, Any]:
    """All values of the chart; nothing secret is among them."""
    # Grafana reads its login when it starts.
    rolls = {"podAnnotations": {SECRETS_ANNOTATION: args.login}} if args.login is not None else {}
    return rolls | {
        "admin": {"existingSecret": grafana.existing_secret or SECRET},
        "defaultDashboardsEnabled": False,
        # A Role in the stack's namespace and one in its own (added by the chart), instead of a ClusterRole on Secrets.
        "rbac": {"namespaced": True, "namespaces": list(args.namespaces[1:])},
        "sidecar": _sidecar(args),
        "additionalDataSources": [_loki_source(args.loki_url)],
        # A ReadWriteOnce volume lets no second pod start beside the first.
        "deploymentStrategy": {"type": "Recreate"},
        # The only container that wants to be root; the group of the volume is right without it.
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        "persistence": _persistence(grafana, keep=args.keep),
        "resources": grafana.resources.requirements(),
        "grafana.ini": _ini(args.url),
    }


def _persistence(grafana: Grafana, *, keep: bool) -> dict[str, Any]:
    persistence: dict[str, Any] = {"enabled": grafana.size is not None}
    if grafana.size is not None:
        persistence |= {"size": grafana.size}
        persistence |= {"storageClassName": grafana.storage_class} if grafana.storage_class else {}
        # The one claim that is part of a release; those of stateful sets stay by themselves.
        persistence |= {"annotations": {"helm.sh/resource-policy": "keep"}} if keep else {}
    return persistence


def _sidecar(args: GrafanaArgs) -> dict[str, Any]:
    return {
        "resources": SMALL,
        "dashboards": {
            "searchNamespace": list(args.namespaces),
            "resource": "configmap",
            "folderAnnotation": FOLDER_ANNOTATION,
            "provider": {"foldersFromFilesStructure": True},
        },
        "datasources": {"resource": "configmap"},
    }


def _loki_source(url: str) -> dict[str, Any]:
    return {
        "name": "Loki",
        "uid": LOKI_SOURCE,
        "type": "loki",
        "access": "proxy",
        "url": url,
        "jsonData": {"maxLines": 1000},
    }


def _ini(url: str | None) -> dict[str, Any]:
    ini: dict[str, Any] = {
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "auth.anonymous": {"enabled": False},
        "users": {"allow_sign_up": False},
        "security": {"cookie_samesite": "strict"},
    }
    if url is not None:
        ini["server"] = {"root_url": url}
        ini["security"]["cookie_secure"] = url.startswith("https://")
    return ini
