from __future__ import annotations

import stat
from pathlib import Path

import pytest

from archesai_infra.cli.base.kubeconfig import Reachability, reach
from archesai_infra.cli.engine import state
from archesai_infra.credentials import Credentials
from archesai_infra.stack.deploy import UnpinnedClusterError, deploy
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run
from testbed.stacks import shipped

__all__ = ["no_engine", "project"]


@pytest.fixture
def fake_engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something named `pulumi` on PATH that must never be asked to do anything."""
    binary = project / "bin" / "pulumi"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho called >>called\nexit 1\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(binary.parent))
    return project


@pytest.mark.usefixtures("no_engine")
def test_up_without_an_engine_is_exit_code_3_and_names_both_ways_out(project: Path) -> None:
    assert project.is_dir()
    result = run("up")
    assert result.exit_code == 3
    assert "install pulumi" in result.stderr
    assert "run again with network" in result.stderr


def test_up_of_production_without_a_pinned_cluster_is_refused_before_the_engine_is_asked(fake_engine: Path) -> None:
    result = run("up", "--stack", "prod")
    assert result.exit_code == 2
    assert "cluster.context: production needs a pinned cluster" in result.stderr
    assert not (fake_engine / "called").exists()


def test_up_on_a_cluster_that_does_not_answer_is_refused_before_the_engine_is_asked(
    fake_engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fake_engine / "none"))
    result = run("up", "--yes")
    assert result.exit_code == 4
    assert "cannot be reached" in result.output
    assert "the cluster must answer before it can be changed" in result.stderr
    assert not (fake_engine / "called").exists()


def test_a_missing_kubeconfig_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    line = reach().line
    assert line.startswith("Cluster: context (current) cannot be reached: ")
    assert "\n" not in line


def test_a_refused_port_is_one_line_with_the_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: there\n"
        "clusters: [{name: there, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: me, user: {}}]\ncontexts: [{name: there, context: {cluster: there, user: me}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    line = reach().line
    assert line.startswith("Cluster: context there cannot be reached: ")
    assert "refused" in line


def test_an_answering_cluster_is_named_with_its_version() -> None:
    assert Reachability("k3d-arches", "v1.36.3").line == "Cluster: context k3d-arches, Kubernetes v1.36.3"


def test_without_a_login_the_state_is_local_and_its_passphrase_is_the_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "PULUMI_BACKEND_URL",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    first = state.environment(tmp_path)
    passphrase = tmp_path / ".state" / "passphrase"
    assert first["PULUMI_BACKEND_URL"] == f"{(tmp_path / '.state' / 'stacks').as_uri()}?metadata=skip"
    assert first["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(passphrase)
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    before = passphrase.read_text()
    assert state.environment(tmp_path) == first
    assert passphrase.read_text() == before


def test_a_login_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    (home / "credentials.json").write_text('{"current": "s3://states"}')
    monkeypatch.setenv("PULUMI_HOME", str(home))
    assert "PULUMI_BACKEND_URL" not in state.environment(tmp_path)
    assert not (tmp_path / ".state").exists()


def test_plain_pulumi_refuses_an_unpinned_production_too(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: False)

    with pytest.raises(UnpinnedClusterError, match="production needs a pinned cluster"):
        deploy(shipped("prod").settings, Credentials(), "prod")
