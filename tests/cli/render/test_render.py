from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.stack.evaluate import MASK
from archesai_infra.stack.render import MARKER, files, ordered, stream
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import render as evaluated
from testbed.stacks import shipped

__all__ = ["project"]


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def test_standard_output_is_one_yaml_stream_of_every_object(project: Path) -> None:
    assert project.is_dir()
    result = run("render", "--stack", "prod")
    documents = _documents(result.output)
    assert result.exit_code == 0
    hidden = [item for item in shipped("prod").objects if item["kind"] == "Secret"]
    assert len(documents) == len(shipped("prod").objects) - len(hidden)
    assert all({"apiVersion", "kind", "metadata"} <= set(document) for document in documents)
    assert all(item["metadata"]["name"] in result.stderr for item in hidden)
    assert MASK not in result.output


def test_helm_releases_stand_at_the_end_as_comments() -> None:
    evaluation = shipped("prod")
    text = stream(evaluation)
    comments = [line for line in text.splitlines() if line.startswith("# Helm release ")]
    assert len(comments) == len(evaluation.releases) > 0
    assert "# Helm release traefik in namespace ingress: oci://" in text
    assert text.index("kind: Namespace") < text.index("# Helm release ")


def test_what_others_refer_to_is_applied_first() -> None:
    kinds = [item["kind"] for item in ordered(shipped("prod"))]
    assert kinds[0] == "Namespace"
    for earlier, later in [("ConfigMap", "StatefulSet"), ("ServiceAccount", "Deployment"), ("StatefulSet", "Job")]:
        assert max(i for i, kind in enumerate(kinds) if kind == earlier) < kinds.index(later)


def test_no_annotation_that_only_the_engine_reads_is_rendered() -> None:
    assert "pulumi.com/" not in stream(shipped("prod"))


def test_no_file_holds_a_mask_where_a_value_belongs(project: Path) -> None:
    out = project / "out"
    result = run("render", "--stack", "prod", "--output", str(out))
    assert not [path for path in out.rglob("*") if path.is_file() and MASK in path.read_text(encoding="utf-8")]
    assert "Left out, because their values are hidden: Secret alertmanager-config, archesai-api" in result.stderr


def test_show_secrets_writes_generated_values(project: Path) -> None:
    assert project.is_dir()
    result = run("render", "--show-secrets")
    secret = next(item for item in _documents(result.output) if item["metadata"]["name"] == "archesai-database")
    data = secret["stringData"]
    assert len(data["POSTGRES_PASSWORD"]) == 32
    own = re.fullmatch(r"postgresql://arches_app:(\w+)@archesai-postgres:5432/archesai\?.*", data["DATABASE_URL"])
    assert own is not None
    assert own[1] != data["POSTGRES_PASSWORD"]


def test_show_secrets_refuses_values_that_only_the_engine_can_decrypt(project: Path) -> None:
    stack = "config:\n  archesai:environment: development\n  archesai:databasePassword: {secure: v1:abc}\n"
    (project / "Pulumi.dev.yaml").write_text(stack)
    result = run("render", "--show-secrets")
    assert result.exit_code == 2
    assert "databasePassword cannot be decrypted without the engine" in result.stderr


def test_a_directory_gets_one_file_an_object(project: Path) -> None:
    out = project / "out"
    result = run("render", "--stack", "prod", "--out", str(out))
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert result.exit_code == 0
    assert written == {*files(shipped("prod")), MARKER}
    assert "helm/traefik.yaml" in written


def test_a_later_render_removes_only_what_an_earlier_one_wrote_and_says_so(project: Path) -> None:
    out = project / "out"
    run("render", "--stack", "prod", "--out", str(out))
    result = run("render", "--stack", "dev", "--out", str(out))
    assert result.exit_code == 0
    assert f"removed {out}/statefulset-archesai-redis.yaml: no longer part of the stack" in result.stderr
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {*files(shipped("dev")), MARKER}


@pytest.mark.parametrize("earlier", [[], ["render", "--out", "out"]])
def test_a_directory_with_files_of_others_is_refused_and_left_as_it_is(project: Path, earlier: list[str]) -> None:
    out = project / "out"
    if earlier:
        run(*earlier)
    (out / "apps").mkdir(parents=True)
    (out / "apps" / "other-team.yaml").write_text("kind: Deployment\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    result = run("render", "--stack", "prod", "--out", str(out))
    assert result.exit_code == 2
    assert "holds 1 file that no render wrote (apps/other-team.yaml); nothing was changed" in result.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_the_project_itself_is_no_place_for_manifests(project: Path) -> None:
    before = {path.name for path in project.iterdir()}
    result = run("render", "--out", ".")
    assert result.exit_code == 2
    assert "Pulumi.dev.yaml" in result.stderr
    assert {path.name for path in project.iterdir()} == before


@pytest.mark.parametrize(("path", "reason"), [("Pulumi.yaml", "is a file"), ("/proc/none/x", "no such file")])
def test_a_path_that_cannot_be_a_directory_is_a_sentence(project: Path, path: str, reason: str) -> None:
    assert project.is_dir()
    result = run("render", "--out", path)
    assert result.exit_code != 0
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_two_objects_of_one_kind_and_name_get_files_with_their_namespaces() -> None:
    ingress = {
        "enabled": True,
        "className": "traefik",
        "controller": {"install": True},
        "hosts": {"grafana": "grafana"},
    }
    rendered = files(evaluated({"ingress": ingress, "monitoring": {"enabled": True}}))
    middlewares = [name for name in rendered if name.startswith("middleware-")]
    assert len(middlewares) == len(set(middlewares)) > 1
    assert any(name.startswith("middleware-monitoring-") for name in middlewares)


def test_check_names_what_is_missing_left_over_or_different(project: Path) -> None:
    out = project / "out"
    run("render", "--out", str(out))
    assert run("render", "--out", str(out), "--check").exit_code == 0
    (out / "service-archesai-api.yaml").write_text("kind: Service\n")
    (out / "role-archesai-role.yaml").unlink()
    (out / "pod-extra.yaml").write_text("kind: Pod\n")
    result = run("render", "--out", str(out), "--check")
    assert result.exit_code == 1
    assert "service-archesai-api.yaml: differs" in result.stderr
    assert "role-archesai-role.yaml: missing" in result.stderr
    assert "pod-extra.yaml: left over" in result.stderr


def test_two_evaluations_render_the_same_text_although_passwords_are_random() -> None:
    assert stream(evaluated()) == stream(evaluated())


def test_a_link_in_the_directory_is_replaced_and_what_it_points_to_stays(project: Path, tmp_path: Path) -> None:
    target, out = tmp_path / "target", tmp_path / "out"
    assert project.is_dir()
    assert run("render", "--output", str(out)).exit_code == 0
    target.write_text("precious", encoding="utf-8")
    link = out / "deployment-archesai-api.yaml"
    rendered = link.read_text(encoding="utf-8")
    link.unlink()
    link.symlink_to(target)
    assert run("render", "--output", str(out)).exit_code == 0
    assert target.read_text(encoding="utf-8") == "precious"
    assert not link.is_symlink()
    assert link.read_text(encoding="utf-8") == rendered
    assert not [path for path in out.iterdir() if path.name.startswith(".deployment")]


def test_manifests_with_secret_values_are_their_owner_s_alone(project: Path, tmp_path: Path) -> None:
    assert project.is_dir()
    out = tmp_path / "out"
    assert run("render", "--output", str(out), "--show-secrets").exit_code == 0
    assert {path.stat().st_mode & 0o077 for path in out.iterdir() if path.name.startswith("secret-")} == {0}
