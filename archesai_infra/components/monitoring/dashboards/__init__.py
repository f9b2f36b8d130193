"""Grafana dashboards of a stack."""

from __future__ import annotations

import hashlib
import json

from archesai_infra.components.monitoring.dashboards import application, business, data, infrastructure, logs, storage
from archesai_infra.components.monitoring.dashboards.panels import Dashboard, dashboard_json
from archesai_infra.components.monitoring.watched import Watched


def dashboards(scope: Watched) -> list[Dashboard]:
    """Every dashboard for what the stack has."""
    built = (
        application.dashboard(scope),
        infrastructure.dashboard(scope),
        data.database(scope),
        data.redis(scope),
        storage.dashboard(scope),
        logs.dashboard(scope),
        business.dashboard(scope),
    )
    return [dashboard for dashboard in built if dashboard is not None]


def file(dashboard: Dashboard, instance: str, namespace: str) -> str:
    """The dashboard's file; its address differs between stacks that share a Grafana."""
    digest = hashlib.sha256(f"{namespace}/{instance}".encode()).hexdigest()[:8]
    uid = f"archesai-{dashboard.key}-{digest}"
    return json.dumps(dashboard_json(dashboard, instance, uid), indent=1, sort_keys=True) + "\n"
