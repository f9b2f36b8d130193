"""The reader of PromQL sees what the other tests rely on."""

from __future__ import annotations

from testbed.monitoring.promql import grouping_labels, selectors

EXPR = (
    'histogram_quantile(0.95, sum by (namespace, le) (rate(a_bucket{job="x",le=~"1([.]0)?"}[5m])))'
    ' / on (namespace) group_left (pod) (b:c:rate5m > 0) or absent(up{job="}"}) - 0.5'
)


def test_selectors_are_found_with_their_matchers() -> None:
    assert selectors(EXPR) == {'a_bucket{job="x",le=~"1([.]0)?"}', "b:c:rate5m", 'up{job="}"}'}


def test_labels_of_groupings_and_joins_are_found() -> None:
    assert grouping_labels(EXPR) == {"namespace", "le", "pod"}


def test_numbers_and_durations_are_no_metrics() -> None:
    assert selectors("vector(1) * 14.4 > 0 * rate(x[1h])") == {"x"}
