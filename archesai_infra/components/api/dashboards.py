"""The application: what the api's clients see."""

from __future__ import annotations

from archesai_infra.components.api.alerts import BUDGET_WINDOW, ERROR_RATIO, LATENCY, QUANTILES, SLOW_RATIO
from archesai_infra.components.api.objectives import Objectives
from archesai_infra.components.api.settings import NAME
from archesai_infra.components.base.watch.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.base.watch.queries import job, recorded
from archesai_infra.components.base.watch.requests import RequestSeries


def dashboard(requests: RequestSeries, objectives: Objectives, *, scraped: bool) -> Dashboard:
    """The overview; where the api's own metrics are scraped, its routes and its process too."""
    own = job(NAME, requests.namespace)
    panels = [*_numbers(requests, objectives), *_requests(requests)]
    return Dashboard(
        "application", "Arches: application", [*panels, *_routes(own), *_process(own)] if scraped else panels
    )


def _numbers(requests: RequestSeries, objectives: Objectives) -> list[Panel]:
    namespace = requests.namespace
    ready = f'kube_deployment_status_replicas_available{{namespace="{namespace}",deployment="{NAME}"}}'
    return [
        stat("Requests per second", requests.requests("5m"), "reqps"),
        stat(
            "Error rate",
            recorded(ERROR_RATIO.format(window="5m"), namespace),
            "percentunit",
            thresholds=(0.01, 0.05),
            description="Requests that end in a server error.",
        ),
        stat("95th percentile", recorded(LATENCY.format(quantile=95), namespace), "s", thresholds=(0.5, 1)),
        stat("Pods answering", f"sum({ready})"),
        _budget("Error budget left", ERROR_RATIO, objectives.availability, namespace),
        _budget("Latency budget left", SLOW_RATIO, objectives.latency, namespace),
    ]


def _budget(title: str, ratio: str, percent: float, namespace: str) -> Panel:
    spent = f"{recorded(ratio.format(window=BUDGET_WINDOW), namespace)} / {round(1 - percent / 100, 6):g}"
    return stat(title, f"1 - {spent}", "percentunit", description=f"Of 30 days, for an objective of {percent:g} %.")


def _requests(requests: RequestSeries) -> list[Panel]:
    quantiles = [Query(recorded(LATENCY.format(quantile=q), requests.namespace), f"p{q}") for q in QUANTILES]
    return [
        graph("Requests by status", requests.by_status("5m"), f"{{{{{requests.status}}}}}", "reqps"),
        Panel("Response time", quantiles, "s"),
        graph("Error rate", recorded(ERROR_RATIO.format(window="5m"), requests.namespace), "errors", "percentunit"),
    ]


def _routes(own: str) -> list[Panel]:
    slowest = (
        f"topk(10, histogram_quantile(0.95, sum by (endpoint, le) "
        f"(rate(http_request_duration_seconds_bucket{{{own}}}[5m]))))"
    )
    failing = f'topk(10, sum by (endpoint, status) (rate(http_requests_total{{{own},status=~"5.."}}[5m])))'
    return [
        graph(
            "Requests by route",
            f"topk(10, sum by (endpoint, method) (rate(http_requests_total{{{own}}}[5m])))",
            "{{method}} {{endpoint}}",
            "reqps",
        ),
        graph("Slowest routes, 95th percentile", slowest, "{{endpoint}}", "s"),
        graph("Failing routes", failing, "{{status}} {{endpoint}}", "reqps"),
    ]


def _process(own: str) -> list[Panel]:
    query_time = f"sum by (query_type, le) (rate(db_query_duration_seconds_bucket{{{own}}}[5m]))"
    return [
        graph("Database queries, 95th percentile", f"histogram_quantile(0.95, {query_time})", "{{query_type}}", "s"),
        graph("Goroutines", f"sum by (pod) (go_goroutines{{{own}}})", "{{pod}}"),
        graph("Memory", f"sum by (pod) (process_resident_memory_bytes{{{own}}})", "{{pod}}", "bytes"),
    ]
