"""The api: its errors, its latency, and how fast it uses up its error budgets."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.api.objectives import Objectives
from archesai_infra.components.base.watch.alerts import Alert, Group, Record
from archesai_infra.components.base.watch.queries import recorded
from archesai_infra.components.base.watch.requests import RequestSeries

ERROR_RATIO = "namespace:api_errors:ratio_rate{window}"
SLOW_RATIO = "namespace:api_slow:ratio_rate{window}"
LATENCY = "namespace:api_latency_seconds:p{quantile}_rate5m"
"""Names of the recorded series."""
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BUDGET_WINDOW = "30d"
QUANTILES = (50, 95, 99)

_FAST = (("1h", "5m", 14.4), ("6h", "30m", 6.0))
_SLOW = (("1d", "2h", 3.0), ("3d", "6h", 1.0))
"""Long window, short window, and how many times too fast the budget burns. At 14.4 a 30 days' budget lasts 2 days;
the short window ends the alert soon after the cause."""


def groups(requests: RequestSeries, objectives: Objectives) -> tuple[Group, ...]:
    """The rules on the api's requests."""
    seconds, namespace = objectives.latency_seconds, requests.namespace
    ratios = [*_ratios(requests, seconds, WINDOWS), *_latencies(requests)]
    budget = list(_ratios(requests, seconds, (BUDGET_WINDOW,)))
    return (
        Group("archesai-api-ratios", ratios),
        Group("archesai-api-budget", budget, interval="5m"),
        Group("archesai-api", [*_thresholds(namespace), *_burn_rates(namespace, objectives)]),
    )


def _ratios(requests: RequestSeries, seconds: float, windows: tuple[str, ...]) -> Iterator[Record]:
    for window in windows:
        every, failed = requests.requests(window), requests.errors(window)
        # An api that never failed has no series of failures: that is a ratio of 0 and not an unknown one.
        yield Record(ERROR_RATIO.format(window=window), f"({failed} or 0 * {every}) / {every}")
        in_time, answered = requests.answers_within(seconds, window), requests.answers(window)
        yield Record(SLOW_RATIO.format(window=window), f"1 - {in_time} / {answered}")


def _latencies(requests: RequestSeries) -> Iterator[Record]:
    for quantile in QUANTILES:
        yield Record(LATENCY.format(quantile=quantile), requests.quantile(quantile / 100, "5m"))


def _thresholds(namespace: str) -> Iterator[Alert]:
    errors = recorded(ERROR_RATIO.format(window="5m"), namespace)
    yield Alert(
        "ApiErrorRateHigh",
        f"{errors} > 0.05",
        "critical",
        "{{ $value | humanizePercentage }} of the api's requests end in a server error.",
        "5m",
    )
    yield Alert(
        "ApiLatencyHigh",
        f"{recorded(LATENCY.format(quantile=95), namespace)} > 1",
        "warning",
        "One request in twenty takes the api longer than {{ $value | humanizeDuration }}.",
        "5m",
    )


def _burn_rates(namespace: str, objectives: Objectives) -> Iterator[Alert]:
    goals = (
        ("ApiErrorBudget", ERROR_RATIO, objectives.availability, "errors"),
        ("ApiLatencyBudget", SLOW_RATIO, objectives.latency, "slow answers"),
    )
    for name, ratio, percent, cause in goals:
        budget = round(1 - percent / 100, 6)
        summary = f"At this rate of {cause} the api's budget for 30 days is soon used up."
        fast, slow = (
            " or ".join(_burning(ratio, namespace, budget, *pair) for pair in pairs) for pairs in (_FAST, _SLOW)
        )
        yield Alert(f"{name}BurnsFast", fast, "critical", summary, "2m")
        yield Alert(f"{name}BurnsSlow", slow, "warning", summary, "15m")


def _burning(ratio: str, namespace: str, budget: float, long: str, short: str, factor: float) -> str:
    limit = f"{round(factor * budget, 6):g}"
    over = [f"{recorded(ratio.format(window=window), namespace)} > {limit}" for window in (long, short)]
    return f"({over[0]} and on (namespace) {over[1]})"
