"""What an upgrade of the database would do, and where it must not begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.upgrade.objects import NAME, claim, helpers
from archesai_infra.cli.upgrade.plan import planned
from archesai_infra.components import database
from archesai_infra.components.database.server import MOUNT_PATH
from testbed.cli.projects import project, set_keys

__all__ = ["project"]

Object = dict[str, Any]


@pytest.mark.parametrize(
    ("config", "to", "reason"),
    [
        (
            {"database": {"mode": "external", "host": "db.example.com", "existingSecret": "db"}},
            17,
            "database.mode is external",
        ),
        ({"database": {"runOnHost": {"ip": "10.0.0.1", "port": 5432}, "existingSecret": "db"}}, 17, "runs no database"),
        (
            {
                "gitops": {"enabled": True, "repoUrl": "https://git.example.com/a.git"},
                "secrets": {"external": {"store": "vault"}},
            },
            17,
            r"kubectl --context <context> --namespace archesai apply .*volumeclaim-archesai-postgres-17.yaml",
        ),
        ({"retainData": False}, 17, "would delete claim archesai-postgres-data with the way back"),
        ({"database": {}}, 16, "has this version already"),
        ({"database": {}}, 15, "whose dumps an older server does not read"),
        ({"database": {"image": {"tag": "16.4-alpine"}}}, 17, "name it with --tag"),
    ],
)
def test_what_cannot_be_moved_is_refused_with_the_reason(project: Path, config: Object, to: int, reason: str) -> None:
    set_keys(project, config)
    with pytest.raises(CommandError, match=reason):
        planned("dev", to, None)


@pytest.mark.usefixtures("project")
def test_the_same_version_on_another_system_is_a_move_to_a_claim_that_is_named_after_it() -> None:
    plan = planned("dev", 16, "0.8.6-pg16-trixie")
    assert (plan.old_claim, plan.new_claim) == ("archesai-postgres-data", "archesai-postgres-16-trixie")
    with pytest.raises(CommandError, match="has this version already"):
        planned("dev", 16, "0.8.7-pg16-bookworm")


def test_the_stack_file_gets_the_next_tag_and_a_claim_of_its_own(project: Path) -> None:
    plan = planned("dev", 17, None)
    before, after = ((project / "Pulumi.dev.yaml").read_text(encoding="utf-8"), plan.text)
    added = [line.strip() for line in after.splitlines() if line not in before.splitlines()]
    assert "tag: 0.8.6-pg17-bookworm" in added
    assert "claimName: archesai-postgres-17" in added
    assert claim(plan)["metadata"]["annotations"]["archesai.com/upgraded-from"] == (
        '{"tag": "0.8.6-pg16-bookworm", "claim": "archesai-postgres-data"}'
    )


@pytest.mark.usefixtures("project")
def test_the_copy_is_the_servers_own_pod_that_no_service_leads_to() -> None:
    plan = planned("dev", 17, None)
    job = helpers(plan)[-1]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "pgvector/pgvector:0.8.6-pg17-bookworm"
    assert container["args"][0] == "postgres"
    assert "livenessProbe" not in container
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    places = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert places[MOUNT_PATH]["persistentVolumeClaim"] == {"claimName": "archesai-postgres-17"}
    assert places["/etc/archesai"]["configMap"]["name"] == NAME
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] != database.MODULE


@pytest.mark.usefixtures("project")
def test_only_the_copy_may_reach_the_old_server_besides_those_who_did() -> None:
    plan = planned("dev", 17, None)
    out, inward = (item["spec"] for item in helpers(plan) if item["kind"] == "NetworkPolicy")
    copy = {"matchLabels": {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/instance": "dev"}}
    assert out["podSelector"]["matchLabels"].items() >= copy["matchLabels"].items()
    assert inward["ingress"] == [
        {"from": [{"podSelector": out["podSelector"]}], "ports": [{"protocol": "TCP", "port": 5432}]}
    ]
    assert out["egress"][0]["to"] == [{"podSelector": inward["podSelector"]}]
    assert {port["port"] for rule in out["egress"][1:] for port in rule["ports"]} >= {53}
