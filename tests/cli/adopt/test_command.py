from __future__ import annotations

from pathlib import Path

import pytest

from archesai_infra.cli.adopt.plan import Setting
from archesai_infra.cli.adopt.run import with_settings
from archesai_infra.stack.config import load
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run
from testbed.stacks import DEVELOPMENT, raw

__all__ = ["no_engine", "project"]


@pytest.mark.usefixtures("no_engine", "project")
def test_adopting_without_an_engine_is_exit_code_3_and_names_both_ways_out() -> None:
    result = run("adopt", "--yes")
    assert result.exit_code == 3
    assert "this needs the Pulumi engine" in result.stderr
    assert "run again with network" in result.stderr


@pytest.mark.usefixtures("no_engine")
def test_a_plan_needs_a_cluster_and_no_engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(project / "none"))
    result = run("adopt", "--plan-only")
    assert result.exit_code == 4
    assert "cannot be used" in result.stderr


@pytest.mark.usefixtures("no_engine", "project")
def test_production_is_adopted_on_a_pinned_cluster_only() -> None:
    result = run("adopt", "--stack", "prod", "--yes")
    assert result.exit_code == 2
    assert "cluster.context: production needs a pinned cluster" in result.stderr


@pytest.mark.usefixtures("project")
def test_a_script_has_to_say_whether_it_only_looks() -> None:
    result = run("adopt", "--json")
    assert result.exit_code == 2
    assert "--json cannot ask: add --plan or --yes" in result.stderr


def test_a_stack_that_argo_cd_applies_adopts_nothing(project: Path) -> None:
    stack_file = project / "Pulumi.dev.yaml"
    repository = "https://git.example.com/arches.git"
    gitops = f"  archesai:gitops: {{enabled: true, repoUrl: '{repository}'}}\n"
    secrets = "  archesai:database: {existingSecret: theirs}\n  archesai:api: {existingSecret: theirs}\n"
    stack_file.write_text(f"config:\n  archesai:environment: development\n{gitops}{secrets}")
    result = run("adopt", "--plan-only")
    assert result.exit_code == 2
    assert "gitops.enabled: Argo CD applies this stack" in result.stderr


def test_settings_are_laid_over_the_stack_file_as_the_engine_would() -> None:
    before = raw(DEVELOPMENT | {"database": {"size": "20Gi"}})
    after = with_settings(
        before,
        [
            Setting("namespace", "team", ""),
            Setting("database.claimName", "old", ""),
            Setting("redis.size", "1Gi", ""),
            Setting("databasePassword", "secret", "", secret=True),
        ],
    )
    settings, credentials = load(after)
    assert (settings.namespace, settings.database.size, settings.redis.size) == ("team", "20Gi", "1Gi")  # type: ignore[union-attr]
    assert settings.database.claim == "old"  # type: ignore[union-attr]
    assert list(credentials.values) == ["databasePassword"]
    assert load(before)[0].namespace == "archesai"
