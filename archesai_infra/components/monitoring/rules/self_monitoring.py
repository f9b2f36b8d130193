"""Monitoring itself: a broken Prometheus or Alertmanager must not look like a quiet night."""

from __future__ import annotations

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.monitoring import loki
from archesai_infra.components.monitoring.alertmanager import WATCHDOG

DAYS = 7
"""How many days before the logs' volume is full the alert fires; it takes a day of measurements."""


def group(namespace: str, *, logs_on_volume: bool) -> Group:
    """The rules on the metrics of the releases in a namespace; `logs_on_volume`: logs fill Loki's own volume."""
    own = f'namespace="{namespace}"'
    return Group(
        "archesai-monitoring",
        [
            Alert(WATCHDOG, "vector(1)", "none", "Always fires: shows that alerts are evaluated and delivered."),
            Alert(
                "AlertsNotDelivered",
                f"increase(alertmanager_notifications_failed_total{{{own}}}[10m]) > 0",
                "critical",
                "Alertmanager cannot deliver alerts by {{ $labels.integration }}.",
                "10m",
            ),
            Alert(
                "RulesFail",
                f"increase(prometheus_rule_evaluation_failures_total{{{own}}}[10m]) > 0",
                "warning",
                "Prometheus cannot evaluate the rules of {{ $labels.rule_group }}.",
                "10m",
            ),
            Alert(
                "LogsDropped",
                f"increase(loki_write_dropped_entries_total{{{own}}}[10m]) > 0",
                "warning",
                "Alloy gave up log lines that Loki did not take.",
                "10m",
            ),
            *([_outgrown(namespace)] if logs_on_volume else []),
        ],
    )


def _outgrown(namespace: str) -> Alert:
    """Logs that fill their volume before retention deletes them: Loki deletes by age and never by size."""
    free = f'kubelet_volume_stats_available_bytes{{namespace="{namespace}",persistentvolumeclaim="{loki.CLAIM}"}}'
    return Alert(
        "LogsOutgrowVolume",
        f"{free} - {DAYS} * ({free} offset 1d - {free}) < 0",
        "warning",
        f"Logs fill their volume within {DAYS} days, as they grew in the last one.",
        "1h",
    )
