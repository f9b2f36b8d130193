"""Monitoring itself: a broken Prometheus or Alertmanager must not look like a quiet night."""

from __future__ import annotations

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.monitoring.alertmanager import WATCHDOG


def group(namespace: str) -> Group:
    """The rules on the metrics of the releases in a namespace."""
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
        ],
    )
