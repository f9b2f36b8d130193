"""`arches images`: what a stack pulls, and the lock of it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from archesai_infra import versions
from archesai_infra.versions import ChartVersion
from testbed.cli.projects import project
from testbed.cli.registries import DIGEST, PASSWORD, USER, Registry, guarded_registry, registry
from testbed.cli.running import run, run_json
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.ports import free_ports

__all__ = ["project"]

OTHER = "sha256:" + "5" * 64


@pytest.fixture(autouse=True)
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory of logins without one."""
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory


@pytest.fixture
def upstream(tmp_path: Path) -> Generator[Registry]:
    """A registry with the images of the development stack."""
    with registry(parts_or_skip("crane")["crane"], tmp_path) as running:
        yield running


def _write(project: Path, host: str, more: str = "") -> Path:
    path = project / "Pulumi.dev.yaml"
    text = f"""\
config:
  # What this stack runs.
  archesai:environment: development
  archesai:api:
    image: {{repository: {host}/team/api, tag: v1}}  # ours
  archesai:platform: {{enabled: false}}
  archesai:migrations: {{mode: "off"}}
  archesai:database:
    image: {{repository: {host}/team/database, tag: v2}}
{more}"""
    path.write_text(text, encoding="utf-8")
    return path


def test_images_and_charts_are_listed_without_a_registry() -> None:
    listed = run_json("images", "--stack", "prod")
    names = {item["kind"]: set[str]() for item in listed}
    for item in listed:
        names[item["kind"]].add(item["name"])
    assert {"redis:7.4.11-alpine3.21", "archesai/api:v1.0.0", "docker.io/velero/velero:v1.18.3"} < names["image"]
    assert versions.TRAEFIK_CHART.locked_as in names["chart"]


def test_what_a_mirror_serves_is_named_beside_its_source(project: Path) -> None:
    mirrors = "  archesai:images: {registry: mirror.example.com/all}\n"
    _write(project, "quay.io", mirrors)
    places = {item["name"]: item["target"] for item in run_json("images")}
    assert places == {
        "quay.io/team/api:v1": "mirror.example.com/all/team/api:v1",
        "quay.io/team/database:v2": "mirror.example.com/all/team/database:v2",
    }


def test_a_lock_pins_what_the_registry_has_and_keeps_the_rest_of_the_file(project: Path, upstream: Registry) -> None:
    api, database = upstream.push("team/api:v1"), upstream.push("team/database:v2")
    before = f"""\
  archesai:images:
    digests:
      {upstream.host}/team/api:v1: {OTHER}  # checked by us
      redis:7: {OTHER}
"""
    path = _write(project, upstream.host, before)
    result = run("images", "--lock")
    assert result.exit_code == 0, result.stderr
    text = path.read_text(encoding="utf-8")
    assert text.startswith(_write(project, upstream.host).read_text(encoding="utf-8"))
    assert f"{upstream.host}/team/api:v1: {api}  # checked by us" in text
    locked = {f"{upstream.host}/team/api:v1": api, f"{upstream.host}/team/database:v2": database}
    assert yaml.safe_load(text)["config"]["archesai:images"] == {"digests": locked}


def test_the_stack_pulls_what_was_locked(project: Path, upstream: Registry) -> None:
    api = upstream.push("team/api:v1")
    upstream.push("team/database:v2")
    _write(project, upstream.host)
    assert run("images", "--lock").exit_code == 0
    assert f"image: {upstream.host}/team/api:v1@{api}" in run("render").output


def test_digests_are_asked_only_for_what_no_lock_has(project: Path, upstream: Registry) -> None:
    database = upstream.push("team/database:v2")
    lock = f"  archesai:images: {{digests: {{'{upstream.host}/team/api:v1': '{OTHER}'}}}}\n"
    path = _write(project, upstream.host, lock)
    before = path.read_text(encoding="utf-8")
    digests = {item["name"].partition("/")[2]: item["digest"] for item in run_json("images", "--digests")}
    assert digests == {"team/api:v1": OTHER, "team/database:v2": database}
    assert path.read_text(encoding="utf-8") == before


def test_the_documented_loop_fills_a_mirror(project: Path, upstream: Registry, tmp_path: Path) -> None:
    digests = [upstream.push(name) for name in ("team/api:v1", "team/database:v2")]
    _write(project, upstream.host, f"  archesai:images: {{registry: '{upstream.host}/mirror'}}\n")
    page = (Path(__file__).parents[3] / "docs" / "air-gap.md").read_text(encoding="utf-8")
    loop = page.partition("```sh\narches images --digests")[2].partition("```")[0]
    (tmp_path / "list").write_text(run("images", "--digests").output, encoding="utf-8")
    crane = parts_or_skip("crane")["crane"].parent
    subprocess.run(
        ["bash", "-euc", f"cat '{tmp_path / 'list'}' {loop.partition('--stack prod')[2]}"],
        env={**os.environ, "PATH": f"{crane}:{os.environ['PATH']}"},
        check=True,
        timeout=60,
    )
    copied = [
        upstream.crane("digest", f"{upstream.host}/mirror/{name}") for name in ("team/api:v1", "team/database:v2")
    ]
    assert copied == digests


def test_charts_are_locked_and_their_images_are_found_in_the_rendered_chart(
    project: Path, upstream: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = parts_or_skip("helm", "crane")
    images = ["team/api:v1", "team/database:v2", "charts/controller:v3", "charts/solver:v4"]
    digests = {name: upstream.push(name) for name in images}
    chart = tmp_path / "source" / "traefik"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: traefik\nversion: 1.2.3\n", encoding="utf-8")
    (chart / "templates" / "pod.yaml").write_text(
        f"""\
apiVersion: v1
kind: Pod
metadata: {{name: controller}}
spec:
  containers:
    - name: controller
      image: {upstream.host}/charts/controller:v3
      args: ["--solver-image={upstream.host}/charts/solver:v4", "--address=127.0.0.1:80"]
""",
        encoding="utf-8",
    )
    helm = programs["helm"]
    subprocess.run([helm, "package", chart, "-d", project / "charts"], check=True, capture_output=True, timeout=30)
    subprocess.run(
        [helm, "push", project / "charts" / "traefik-1.2.3.tgz", f"oci://{upstream.host}/helm", "--plain-http"],
        check=True,
        capture_output=True,
        timeout=30,
    )
    monkeypatch.setattr(versions, "TRAEFIK_CHART", ChartVersion(f"oci://{upstream.host}/helm/traefik", "1.2.3"))
    monkeypatch.setenv("PATH", f"{helm.parent}:{os.environ['PATH']}")
    more = """\
  archesai:domain: arches.example.com
  archesai:ingress: {enabled: true, controller: {install: true}}
  archesai:charts: {directory: charts}
"""
    path = _write(project, upstream.host, more)
    result = run("images", "--lock", "--json")
    assert result.exit_code == 0, result.stderr
    listed = {item["name"].partition("/")[2]: item for item in json.loads(result.output)}
    assert {name: listed[name]["digest"] for name in images} == digests
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    digest = upstream.crane("digest", f"{upstream.host}/helm/traefik:1.2.3")
    assert config["archesai:charts"]["digests"] == {f"{upstream.host}/helm/traefik:1.2.3": digest}
    assert len(config["archesai:images"]["digests"]) == len(images) - 2, "a lock holds only what the stack can pin"
    free = ", ".join(f"{upstream.host}/{name}" for name in images[2:])
    assert f"warning: pulled by tag, as their charts take no digest: {free}\n" in result.stderr


def test_helm_refuses_a_chart_that_is_not_the_locked_one(upstream: Registry, tmp_path: Path) -> None:
    helm = parts_or_skip("helm")["helm"]
    subprocess.run([helm, "create", tmp_path / "mine"], check=True, capture_output=True, timeout=30)
    subprocess.run([helm, "package", tmp_path / "mine", "-d", tmp_path], check=True, capture_output=True, timeout=30)
    push = [helm, "push", tmp_path / "mine-0.1.0.tgz", f"oci://{upstream.host}/helm", "--plain-http"]
    subprocess.run(push, check=True, capture_output=True, timeout=30)

    def template(digest: str) -> subprocess.CompletedProcess[str]:
        address = f"oci://{upstream.host}/helm/mine@{digest}"
        command = [helm, "template", "mine", address, "--version", "0.1.0", "--plain-http"]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)

    assert template(upstream.crane("digest", f"{upstream.host}/helm/mine:0.1.0")).returncode == 0
    assert "digest mismatch" in template(OTHER).stderr


def test_a_login_of_docker_opens_a_registry_with_tokens(project: Path, no_login: Path) -> None:
    with guarded_registry() as host:
        path = _write(project, host)
        path.write_text(path.read_text(encoding="utf-8").replace("team/api", "team/private"), encoding="utf-8")
        own = f"  archesai:images: {{digests: {{'{host}/team/database:v2': '{OTHER}'}}}}\n"
        path.write_text(path.read_text(encoding="utf-8") + own, encoding="utf-8")
        refused = run("images", "--digests")
        assert refused.exit_code == 1
        assert refused.stderr == f"error: {host}/team/private:v1: {host} wants a login: docker login {host}\n"
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (no_login / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")
        digests = {item["name"].rpartition("/")[2]: item["digest"] for item in run_json("images", "--digests")}
    assert digests == {"private:v1": DIGEST, "database:v2": OTHER}


def test_a_login_may_come_from_a_credential_helper(
    project: Path, no_login: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-test"
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n", encoding="utf-8")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (no_login / "config.json").write_text(json.dumps({"credsStore": "test"}), encoding="utf-8")
    with guarded_registry() as host:
        _write(project, host, f"  archesai:images: {{digests: {{'{host}/team/database:v2': '{OTHER}'}}}}\n")
        path = project / "Pulumi.dev.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("team/api", "team/private"), encoding="utf-8")
        assert DIGEST in run("images", "--digests").output


def test_unknown_images_are_one_line_each_and_change_nothing(project: Path, upstream: Registry) -> None:
    path = _write(project, upstream.host)
    before = path.read_text(encoding="utf-8")
    result = run("images", "--lock")
    wrong = "has no such image or chart; check repository and tag"
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"error: {upstream.host}/team/{name}: {upstream.host} {wrong}" for name in ("api:v1", "database:v2")
    ]
    assert path.read_text(encoding="utf-8") == before


def test_a_registry_that_cannot_be_reached_is_named(project: Path) -> None:
    host = f"127.0.0.1:{free_ports(1)[0]}"
    _write(project, host)
    result = run("images", "--lock")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        f"error: {host}/team/api:v1: the registry {host} cannot be reached (Connection refused); "
        "run the command where it can be"
    )


def test_without_helm_every_image_that_a_chart_can_run_is_listed_and_the_lock_keeps_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project))
    path = project / "Pulumi.prod.yaml"
    lock = "".join(f"      {name}: {OTHER}\n" for name in ("docker.io/grafana/loki:3.7.6", "redis:7.4.11-alpine3.21"))
    path.write_text(f"{path.read_text(encoding='utf-8')}  archesai:images:\n    digests:\n{lock}", encoding="utf-8")
    result = run("images", "--stack", "prod", "--json")
    assert result.exit_code == 0
    reason = "cannot be rendered, every image that it can run is listed: helm is not on PATH"
    assert f"{versions.LOKI_CHART.version}: {reason}" in result.stderr
    listed = {item["name"]: item for item in json.loads(result.output)}
    assert (listed["docker.io/grafana/loki:3.7.6"]["digest"], listed["redis:7.4.11-alpine3.21"]["digest"]) == (
        OTHER,
    ) * 2
    assert "quay.io/prometheus/node-exporter:v1.12.1-distroless" in listed
