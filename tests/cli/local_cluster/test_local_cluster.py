"""The local cluster, with stand-ins for the programs that make it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from archesai_infra.cli.local_cluster.containers import TOOLS
from testbed.cli.running import run
from testbed.stacks import ROOT


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH; `calls` in it records what was run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _program(directory: Path, name: str, *, says: str = "", status: int = 0) -> None:
    path = directory / name
    path.write_text(
        f'#!/bin/sh\necho "{name} $*" >>{directory}/calls\necho "{says}"\nexit {status}\n', encoding="utf-8"
    )
    path.chmod(0o755)


def _calls(directory: Path) -> list[str]:
    return (directory / "calls").read_text(encoding="utf-8").splitlines()


def test_without_a_container_engine_the_way_out_is_named(programs: Path) -> None:
    _program(programs, "k3d")
    result = run("cluster", "up")
    assert (result.exit_code, "there is no container engine" in result.stderr) == (3, True)
    assert "cluster.context can name any other cluster" in result.stderr


def test_an_engine_that_does_not_run_is_none(programs: Path) -> None:
    _program(programs, "docker", status=1)
    _program(programs, "k3d")
    assert "there is no container engine" in run("cluster", "up").stderr


def test_without_k3d_and_kind_both_are_named(programs: Path) -> None:
    _program(programs, "docker")
    result = run("cluster", "up")
    assert (result.exit_code, result.stderr) == (
        3,
        "error: there is no k3d and no kind on PATH; install k3d (https://k3d.io) or kind (https://kind.sigs.k8s.io)\n",
    )


@pytest.mark.parametrize(
    ("tool", "call"),
    [
        ("k3d", f"k3d cluster create --config {ROOT}/local/k3d.yaml"),
        ("kind", f"kind create cluster --wait 180s --config {ROOT}/local/kind.yaml"),
    ],
)
def test_the_cluster_is_made_from_the_checked_in_configuration(programs: Path, tool: str, call: str) -> None:
    _program(programs, "docker")
    _program(programs, tool)
    result = run("cluster", "up")
    assert result.exit_code == 0
    assert call in _calls(programs)
    assert f"cluster.context {tool}-archesai" in result.output
    assert "curl http://api.localhost:8080/health" in result.output


def test_a_cluster_that_is_there_is_left_alone_and_can_be_removed(programs: Path) -> None:
    _program(programs, "podman")
    _program(programs, "k3d", says="archesai 1/1 3/3 true")
    assert "exists already" in run("cluster", "up").output
    assert "is removed" in run("cluster", "down", "--yes").output
    assert [call for call in _calls(programs) if "create" in call] == []
    assert "k3d cluster delete archesai" in _calls(programs)


@pytest.mark.parametrize("answer", ["", "\n", "n\n"], ids=["nothing", "an empty line", "no"])
def test_a_cluster_is_removed_only_after_a_yes_and_what_comes_before_is_said(programs: Path, answer: str) -> None:
    _program(programs, "podman")
    _program(programs, "k3d", says="archesai 1/1 3/3 true")
    result = run("cluster", "down", stdin=answer)
    assert result.exit_code != 0
    assert "Run `arches destroy --stack <stack>` first." in result.stderr
    assert [call for call in _calls(programs) if "delete" in call] == []
    assert "is removed" in run("cluster", "down", stdin="y\n").output


def test_a_tool_that_fails_is_a_failure(programs: Path) -> None:
    _program(programs, "docker")
    _program(programs, "kind", status=1)
    result = run("cluster", "up", "--tool", "kind")
    assert (result.exit_code, result.stderr) == (1, "error: kind ended with status 1; its output is above\n")


def test_both_configurations_have_the_documented_shape() -> None:
    k3d, kind = (yaml.safe_load((ROOT / TOOLS[name].config).read_text(encoding="utf-8")) for name in ("k3d", "kind"))
    assert (k3d["metadata"]["name"], k3d["servers"], k3d["agents"]) == ("archesai", 1, 3)
    assert k3d["ports"] == [{"port": "8080:80", "nodeFilters": ["loadbalancer"]}]
    assert k3d["options"]["k3s"]["extraArgs"][0]["arg"] == "--disable=traefik"
    assert [node["role"] for node in kind["nodes"]] == ["control-plane", "worker", "worker", "worker"]
