from __future__ import annotations

import re

from archesai_infra.cli.graph.drawing import as_data, mermaid
from archesai_infra.stack.config import load
from testbed.cli.running import run, run_json
from testbed.stacks import raw, shipped


def test_the_graph_draws_each_flow_of_the_network_policies_with_its_ports() -> None:
    settings, _ = load(raw({"environment": "development", "redis": {"enabled": True}}))
    chart = mermaid(settings)
    assert "n_api -->|6379| n_redis" in chart
    assert "n_scraper" not in chart


def test_every_arrow_of_the_graph_joins_declared_nodes() -> None:
    chart = mermaid(shipped("prod").settings)
    declared = set(re.findall(r"^\s+(n_\w+)[(\[ ]", chart, re.MULTILINE))
    used = {node for pair in re.findall(r"(n_\w+) -->\|[^|]+\| (n_\w+)", chart) for node in pair}
    assert used - declared == set()
    assert len(used) > 5


def test_an_external_database_stands_outside_the_namespace() -> None:
    database = {"mode": "external", "host": "db.example.com", "existingSecret": "db"}
    settings, _ = load(raw({"environment": "development", "database": database}))
    inside, _, outside = mermaid(settings).partition("  end\n")
    assert "n_database" not in inside
    assert 'n_database(["database"])' in outside


def test_scripts_get_the_flows_as_data() -> None:
    data = run_json("graph", "--stack", "prod")
    assert {"source": "platform", "target": "api", "ports": [3001]} in data["flows"]
    assert data == as_data(shipped("prod").settings)


def test_the_command_prints_a_flowchart() -> None:
    assert run("graph").output.startswith("flowchart LR\n")
