"""Where charts come from."""

from __future__ import annotations

from archesai_infra.components.base.charts import ChartsSettings, location
from archesai_infra.versions import CERT_MANAGER_CHART


def test_a_vendored_chart_has_the_name_that_helm_pull_gives_it() -> None:
    assert location(CERT_MANAGER_CHART, ChartsSettings(directory="charts/")) == (
        f"charts/cert-manager-{CERT_MANAGER_CHART.version}.tgz"
    )
    assert CERT_MANAGER_CHART.version.startswith("v"), "the one chart whose version has the letter"
