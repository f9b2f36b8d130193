"""Logs of the stack's pods, from Loki."""

from __future__ import annotations

from archesai_infra.components.base.watch.panels import Dashboard, Panel, Query

ERRORS = 'detected_level=~"error|fatal|critical"'
"""Loki finds the level of a line when it takes it, whatever the format."""


def dashboard(namespace: str) -> Dashboard:
    """Volumes by component and level, errors and all lines."""
    own = f'{{namespace="{namespace}"}}'
    by_component = f"sum by (component) (count_over_time({own}[$__auto]))"
    by_level = f"sum by (detected_level) (count_over_time({own}[$__auto]))"
    errors = f"sum by (component) (count_over_time({own} | {ERRORS} [$__auto]))"
    return Dashboard(
        "logs",
        "Arches: logs",
        [
            Panel("Lines by component", [Query(by_component, "{{component}}")], source="loki"),
            Panel("Lines by level", [Query(by_level, "{{detected_level}}")], source="loki"),
            Panel("Errors by component", [Query(errors, "{{component}}")], source="loki"),
            Panel("Errors", [Query(f"{own} | {ERRORS}")], kind="logs", width=24, height=10, source="loki"),
            Panel("All lines", [Query(own)], kind="logs", width=24, height=14, source="loki"),
        ],
    )
