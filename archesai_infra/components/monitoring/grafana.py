"""Values of Grafana, which has no right at the API server: its data sources and dashboards are files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra.components.base.pods import SECRETS_ANNOTATION
from archesai_infra.components.base.watch.monitors import SCRAPE_INTERVAL
from archesai_infra.components.base.watch.panels import LOKI_SOURCE, PROMETHEUS_SOURCE
from archesai_infra.components.monitoring import alertmanager, prometheus
from archesai_infra.components.monitoring.settings import Grafana, Oidc

SERVICE = f"{prometheus.RELEASE}-grafana"
SECRET = "grafana-admin"
PASSWORD_KEY = "admin-password"
PODS = {"app.kubernetes.io/name": "grafana"}
PORT = 80
POD_PORT = 3000
SYNC_LOGIN = "printenv GF_SECURITY_ADMIN_PASSWORD | grafana cli admin reset-admin-password --password-from-stdin"
"""Command in Grafana's container: a database on a volume keeps the password that it began with."""
DASHBOARD_LABEL = "grafana_dashboard"
"""What the sidecar of an existing Grafana selects ConfigMaps with dashboards by."""
FOLDER_ANNOTATION = "grafana_folder"
FOLDER = "Arches"
OIDC_KEY = "clientSecret"
"""Key of the Secret that `monitoring.grafana.oidc.existingSecret` names."""
_DASHBOARDS = "/var/lib/grafana/dashboards"


@dataclass(frozen=True)
class GrafanaArgs:
    """What the values are built from, besides the settings."""

    namespace: str
    """Namespace of the releases."""
    dashboards: Mapping[str, str]
    """Name of each dashboard's ConfigMap, in the same namespace, by the dashboard's key."""
    login: pulumi.Input[str] | None
    """Fingerprint of the administrator's login: another login is another pod. None for an existing Secret."""
    keep: bool
    """Whether the volume outlives the release."""
    url: str | None
    """Public URL, if there is one."""
    loki_url: str


def values(grafana: Grafana, args: GrafanaArgs) -> dict[str, Any]:
    """All values of the chart; nothing secret is among them."""
    # Grafana reads its login when it starts.
    rolls = {"podAnnotations": {SECRETS_ANNOTATION: args.login}} if args.login is not None else {}
    built = rolls | {
        "admin": {"existingSecret": grafana.existing_secret or SECRET},
        "defaultDashboardsEnabled": False,
        # With a sidecar the chart lets Grafana read every Secret of a namespace, whatever the sidecar looks for.
        "rbac": {"create": False},
        "automountServiceAccountToken": False,
        "sidecar": {part: {"enabled": False} for part in ("dashboards", "datasources")},
        "datasources": {"datasources.yaml": {"apiVersion": 1, "datasources": _sources(args)}},
        "dashboardProviders": {"dashboardproviders.yaml": {"apiVersion": 1, "providers": _providers(args.dashboards)}},
        "dashboardsConfigMaps": dict(args.dashboards),
        # A ReadWriteOnce volume lets no second pod start beside the first.
        "deploymentStrategy": {"type": "Recreate"},
        # The only container that wants to be root; the group of the volume is right without it.
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        "persistence": _persistence(grafana, keep=args.keep),
        "resources": grafana.resources.requirements(),
        "grafana.ini": _ini(grafana, args.url),
    }
    if grafana.oidc is not None:
        reference = {"name": grafana.oidc.existing_secret, "key": OIDC_KEY}
        built["envValueFrom"] = {"GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": {"secretKeyRef": reference}}
    return built


def _persistence(grafana: Grafana, *, keep: bool) -> dict[str, Any]:
    persistence: dict[str, Any] = {"enabled": grafana.size is not None}
    if grafana.size is not None:
        persistence |= {"size": grafana.size}
        persistence |= {"storageClassName": grafana.storage_class} if grafana.storage_class else {}
        # The one claim that is part of a release; those of stateful sets stay by themselves.
        persistence |= {"annotations": {"helm.sh/resource-policy": "keep"}} if keep else {}
    return persistence


def _sources(args: GrafanaArgs) -> list[dict[str, Any]]:
    return [
        {
            "name": "Prometheus",
            "uid": PROMETHEUS_SOURCE,
            "type": "prometheus",
            "access": "proxy",
            "url": prometheus.url(args.namespace),
            "isDefault": True,
            "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPE_INTERVAL},
        },
        {
            "name": "Alertmanager",
            "uid": "alertmanager",
            "type": "alertmanager",
            "access": "proxy",
            "url": alertmanager.url(args.namespace),
            "jsonData": {"handleGrafanaManagedAlerts": False, "implementation": "prometheus"},
        },
        {
            "name": "Loki",
            "uid": LOKI_SOURCE,
            "type": "loki",
            "access": "proxy",
            "url": args.loki_url,
            "jsonData": {"maxLines": 1000},
        },
    ]


def _providers(dashboards: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": key,
            "orgId": 1,
            "folder": FOLDER,
            "type": "file",
            "disableDeletion": True,
            "options": {"path": f"{_DASHBOARDS}/{key}"},
        }
        for key in sorted(dashboards)
    ]


def _ini(grafana: Grafana, url: str | None) -> dict[str, Any]:
    ini: dict[str, Any] = {
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "auth.anonymous": {"enabled": False},
        "users": {"allow_sign_up": False},
        "security": {"cookie_samesite": "strict"},
    }
    if url is not None:
        ini["server"] = {"root_url": url}
        ini["security"]["cookie_secure"] = url.startswith("https://")
    if grafana.oidc is not None:
        ini |= _sign_in(grafana.oidc)
        # The provider sends the browser back from another site, and a strict cookie would not come along.
        ini["security"]["cookie_samesite"] = "lax"
    return ini


def _sign_in(oidc: Oidc) -> dict[str, Any]:
    generic: dict[str, Any] = {
        "enabled": True,
        "name": oidc.name,
        "client_id": oidc.client_id,
        "scopes": " ".join(oidc.scopes),
        "auth_url": oidc.auth_url,
        "token_url": oidc.token_url,
        "api_url": oidc.api_url,
        "use_pkce": True,
        "allow_sign_up": True,
        "role_attribute_path": oidc.role_attribute_path,
        # Whom the expression gives no role stays outside.
        "role_attribute_strict": True,
        "skip_org_role_sync": False,
    }
    if oidc.allowed_domains:
        generic["allowed_domains"] = " ".join(oidc.allowed_domains)
    return {"auth": {"disable_login_form": oidc.only}, "auth.generic_oauth": generic}
