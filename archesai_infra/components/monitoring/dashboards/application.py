"""The application: what the api's clients see."""

from __future__ import annotations

from archesai_infra.components.monitoring.dashboards.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.monitoring.queries import API_JOB, ERROR_RATIO, LATENCY, SLOW_RATIO, job, recorded
from archesai_infra.components.monitoring.rules.api import BUDGET_WINDOW, QUANTILES
from archesai_infra.components.monitoring.watched import Watched


def dashboard(scope: Watched) -> Dashboard | None:
    """The overview; none where the api's metrics are not scraped."""
    if not scope.api:
        return None
    return Dashboard("application", "Arches: application", [*_numbers(scope), *_requests(scope), *_process(scope)])


def _numbers(scope: Watched) -> list[Panel]:
    own, namespace = job(API_JOB, scope.namespace), scope.namespace
    objectives = scope.settings.objectives
    return [
        stat("Requests per second", f"sum(rate(http_requests_total{{{own}}}[5m]))", "reqps"),
        stat(
            "Error rate",
            recorded(ERROR_RATIO.format(window="5m"), namespace),
            "percentunit",
            thresholds=(0.01, 0.05),
            description="Requests that end in a server error.",
        ),
        stat("95th percentile", recorded(LATENCY.format(quantile=95), namespace), "s", thresholds=(0.5, 1)),
        stat("Pods answering", f"sum(up{{{own}}})"),
        _budget("Error budget left", ERROR_RATIO, objectives.availability, namespace),
        _budget("Latency budget left", SLOW_RATIO, objectives.latency, namespace),
    ]


def _budget(title: str, ratio: str, percent: float, namespace: str) -> Panel:
    spent = f"{recorded(ratio.format(window=BUDGET_WINDOW), namespace)} / {round(1 - percent / 100, 6):g}"
    return stat(title, f"1 - {spent}", "percentunit", description=f"Of 30 days, for an objective of {percent:g} %.")


def _requests(scope: Watched) -> list[Panel]:
    own = job(API_JOB, scope.namespace)
    quantiles = [Query(recorded(LATENCY.format(quantile=q), scope.namespace), f"p{q}") for q in QUANTILES]
    slowest = (
        f"topk(10, histogram_quantile(0.95, sum by (endpoint, le) "
        f"(rate(http_request_duration_seconds_bucket{{{own}}}[5m]))))"
    )
    failing = f'topk(10, sum by (endpoint, status) (rate(http_requests_total{{{own},status=~"5.."}}[5m])))'
    return [
        graph("Requests by status", f"sum by (status) (rate(http_requests_total{{{own}}}[5m]))", "{{status}}", "reqps"),
        Panel("Response time", quantiles, "s"),
        graph("Error rate", recorded(ERROR_RATIO.format(window="5m"), scope.namespace), "errors", "percentunit"),
        graph(
            "Requests by route",
            f"topk(10, sum by (endpoint, method) (rate(http_requests_total{{{own}}}[5m])))",
            "{{method}} {{endpoint}}",
            "reqps",
        ),
        graph("Slowest routes, 95th percentile", slowest, "{{endpoint}}", "s"),
        graph("Failing routes", failing, "{{status}} {{endpoint}}", "reqps"),
    ]


def _process(scope: Watched) -> list[Panel]:
    own = job(API_JOB, scope.namespace)
    query_time = f"sum by (query_type, le) (rate(db_query_duration_seconds_bucket{{{own}}}[5m]))"
    return [
        graph("Database queries, 95th percentile", f"histogram_quantile(0.95, {query_time})", "{{query_type}}", "s"),
        graph("Goroutines", f"sum by (pod) (go_goroutines{{{own}}})", "{{pod}}"),
        graph("Memory", f"sum by (pod) (process_resident_memory_bytes{{{own}}})", "{{pod}}", "bytes"),
    ]
