"""What a move of the database would do, and where it must not begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.move.objects import NAME, helpers
from archesai_infra.cli.move.plan import planned, planned_back
from testbed.cli.projects import project, set_keys

__all__ = ["project"]

Object = dict[str, Any]
READY: Object = {"cluster": {"apiServer": ["10.96.0.1/32"]}}
"""What a cluster needs that a single pod does not."""


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            {"database": {"mode": "cluster", "movedFrom": {"existingSecret": "db"}}},
            "database.movedFrom is set",
        ),
        (
            {
                "database": {"mode": "external", "enabled": False},
                "api": {"enabled": False},
                "platform": {"enabled": False},
            },
            "nothing to move",
        ),
        ({"database": {"runOnHost": {"ip": "10.0.0.1", "port": 5432}, "existingSecret": "db"}}, "runs no database"),
        ({"database": {"existingSecret": "db"}}, "the superuser's password"),
        ({"database": {"mode": "cluster"}}, "no single pod"),
        ({"database": {"mode": "cluster", "singlePod": "kept"}}, "serves already"),
        ({"database": {"mode": "cluster", "singlePod": "serving", "pooler": {}}}, "add it after the move"),
        ({"cluster": {}}, "not ready for a cluster:\n.*cluster.apiServer"),
    ],
)
def test_what_cannot_be_moved_is_refused_with_the_reason(project: Path, config: Object, reason: str) -> None:
    set_keys(project, READY | config)
    with pytest.raises(CommandError, match=reason):
        planned("dev", "cluster")
    with pytest.raises(CommandError, match="--to cluster"):
        planned("dev", None)


def test_the_stack_file_first_gets_the_cluster_beside_the_pod_and_then_in_its_place(project: Path) -> None:
    set_keys(project, READY)
    plan = planned("dev", "cluster")
    beside, over = (yaml.safe_load(text)["config"]["archesai:database"] for text in (plan.beside_text, plan.over_text))
    assert beside["singlePod"] == "serving"
    assert beside["postgres"] == {"parameters": {"wal_level": "logical"}}
    assert over == beside | {"singlePod": "kept"}
    with pytest.raises(CommandError, match="no move to undo"):
        planned_back("dev")
    (project / "Pulumi.dev.yaml").write_text(plan.over_text, encoding="utf-8")
    assert planned_back("dev").beside_text == plan.beside_text


def test_the_job_has_the_servers_image_and_secret_and_neither_its_data_nor_its_labels(project: Path) -> None:
    set_keys(project, READY)
    job = helpers(planned("dev", "cluster"), "back")[-1]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "pgvector/pgvector:0.8.6-pg16-bookworm"
    assert container["command"][-1] == "back"
    assert {volume["name"] for volume in pod["volumes"]} == {"password", "scripts", "tmp"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {"password", "scripts", "tmp"}
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment["NEW_SERVER"] == "archesai-db-1-rw:5432"
    assert environment["OLD_SERVER"] == "archesai-postgres-headless:5432"
    assert job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "database-move"


def test_clients_reach_the_cluster_before_the_stack_file_says_so(project: Path) -> None:
    set_keys(project, READY)
    made = [item for item in helpers(planned("dev", "cluster")) if item["kind"] == "NetworkPolicy"]
    policies = {item["metadata"]["name"]: item["spec"] for item in made}
    instances = {"cnpg.io/cluster": "archesai-db-1", "cnpg.io/podRole": "instance"}
    api = policies[f"{NAME}-archesai-api"]
    assert {"podSelector": {"matchLabels": instances}} in [
        peer for rule in api["egress"] for peer in rule.get("to", [])
    ]
    inward = policies[f"{NAME}-archesai-database-instances"]["ingress"]
    callers = [peer["podSelector"]["matchLabels"].get("app.kubernetes.io/component") for rule in inward
               for peer in rule["from"] if "podSelector" in peer]  # fmt: skip
    assert {"api", "migrations"} <= set(callers)
    out = policies[NAME]["egress"][0]["to"]
    assert {"podSelector": {"matchLabels": instances}} in out
