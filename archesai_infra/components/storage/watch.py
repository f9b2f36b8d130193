"""What monitoring is given about the object storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from archesai_infra.components.base.watch.model import MetricsSecret, ScrapeJob, Watch
from archesai_infra.components.base.watch.monitors import service_monitor
from archesai_infra.components.storage import metrics
from archesai_infra.components.storage.alerts import group
from archesai_infra.components.storage.component import StorageConnection
from archesai_infra.components.storage.dashboard import dashboard
from archesai_infra.components.storage.settings import MODULE, NAME, ManagedStorage


def watch(settings: ManagedStorage, connection: StorageConnection | None, namespace: str, instance: str) -> Watch:
    """Alerts and a dashboard on a server in the cluster; on its own metrics too, where it serves some.

    `connection` has the keys that open them.
    """
    if not metrics.served(settings):
        return Watch(dashboards=(dashboard(namespace, metrics=False),))
    return Watch(
        groups=(group(namespace),),
        dashboards=(dashboard(namespace, metrics=True),),
        service_monitors={MODULE: service_monitor(MODULE, instance, *map(_endpoint, metrics.PATHS))},
        secrets=() if connection is None or connection.keys is None else (_token(connection.keys),),
        jobs=(ScrapeJob(NAME, namespace),),
    )


def _endpoint(path: str) -> Mapping[str, Any]:
    # The governing Service has the same labels and leads to the same pod.
    once = {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": NAME}
    # Both pages are of one job and one pod: without the path they would share the series `up`.
    tell_path = {"sourceLabels": ["__metrics_path__"], "targetLabel": "metrics_path"}
    token = {"name": metrics.TOKEN_SECRET, "key": metrics.TOKEN_KEY}
    return {"port": "s3", "path": path, "authorization": {"credentials": token}, "relabelings": [once, tell_path]}


def _token(keys: tuple[pulumi.Output[str], pulumi.Output[str]]) -> MetricsSecret:
    # Made from the keys: another key makes another token, and the operator hands it on.
    token = pulumi.Output.all(*keys).apply(lambda values: metrics.token(*values))
    return MetricsSecret("storage-token", metrics.TOKEN_SECRET, {metrics.TOKEN_KEY: token})
