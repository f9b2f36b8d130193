"""What monitoring is given about the api."""

from __future__ import annotations

from archesai_infra.components.api import alerts, business, dashboards
from archesai_infra.components.api.objectives import Objectives
from archesai_infra.components.api.settings import MODULE, NAME
from archesai_infra.components.base.watch.model import ScrapeJob, Watch
from archesai_infra.components.base.watch.monitors import service_monitor
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.base.watch.requests import RequestSeries

# The port's name would take the place of the api's own label `endpoint`, the route of a request.
_KEEP_ROUTE = {"action": "labeldrop", "regex": "endpoint"}


def own_requests(namespace: str) -> RequestSeries:
    """The api's requests as it counts them itself."""
    return RequestSeries(
        "http_requests_total", "http_request_duration_seconds", job(NAME, namespace), "status", namespace
    )


def watch(
    namespace: str,
    instance: str,
    objectives: Objectives,
    *,
    requests: RequestSeries | None,
    scraped: bool,
    database_job: str | None,
) -> Watch:
    """Alerts and dashboards on the api's `requests`, counted by the api or by the controller, and on its use.

    `scraped` says whether its own metrics are read; `database_job` is the job that reads the rows of its tables.
    """
    shown = [] if requests is None else [dashboards.dashboard(requests, objectives, scraped=scraped)]
    uses = business.dashboard(namespace, database_job=database_job, scraped=scraped)
    endpoint = {"port": "http", "path": "/metrics", "relabelings": [_KEEP_ROUTE]}
    return Watch(
        groups=() if requests is None else alerts.groups(requests, objectives),
        dashboards=(*shown, *([] if uses is None else [uses])),
        service_monitors={MODULE: service_monitor(MODULE, instance, endpoint)} if scraped else {},
        jobs=(ScrapeJob(NAME, namespace),) if scraped else (),
    )
