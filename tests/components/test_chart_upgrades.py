"""Values that a new version of a chart no longer knows: it would ignore them and say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.stack_file import read
from archesai_infra.versions import ChartVersion
from testbed.monitoring import charts
from testbed.stacks import ROOT

COMPARED_ELSEWHERE = (versions.PROMETHEUS_CHART, versions.LOKI_CHART, versions.ALLOY_CHART)
"""Their values are compared with a list of keys, which is that of the charts."""
CHARTS = [item for item in vars(versions).values() if isinstance(item, ChartVersion) and item not in COMPARED_ELSEWHERE]
FREE = {"service.spec"}
"""Values that hold more keys than the chart's defaults."""


def unknown(values: dict[str, Any], defaults: dict[str, Any], path: str = "") -> Iterator[str]:
    """Dotted paths of values that a chart has no default for; below an empty default anything goes."""
    for key, value in values.items():
        place = f"{path}{key}"
        if key not in defaults:
            yield place
        elif isinstance(value, dict) and isinstance(defaults[key], dict) and defaults[key] and place not in FREE:
            yield from unknown(value, defaults[key], f"{place}.")


def test_a_removed_key_is_named_with_its_place() -> None:
    defaults = {"image": {"tag": "", "registry": ""}, "labels": {}, "name": None}
    values = {"image": {"tag": "1", "digest": "x"}, "labels": {"team": "a"}, "name": {"any": 1}, "gone": {"a": 1}}
    assert list(unknown(values, defaults)) == ["image.digest", "gone"]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.address.rpartition("/")[2])
def test_the_pinned_version_of_a_chart_knows_every_value_of_production(chart: ChartVersion) -> None:
    name = chart.address.rpartition("/")[2]
    defaults = charts.default_values(charts.archive(name, chart.version), name)
    releases = evaluate(read(ROOT, "prod")).releases
    for release in releases:
        if release.inputs["chart"] == chart.address:
            assert list(unknown(release.inputs["values"], defaults)) == []
