from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from archesai_infra.stack.render import files, ordered, stream
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import render as evaluated
from testbed.stacks import shipped

__all__ = ["project"]


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def test_standard_output_is_one_yaml_stream_of_every_object(project: Path) -> None:
    assert project.is_dir()
    result = run("render", "render", "--stack", "prod")
    documents = _documents(result.output)
    assert result.exit_code == 0
    assert len(documents) == len(shipped("prod").objects)
    assert all({"apiVersion", "kind", "metadata"} <= set(document) for document in documents)
    assert "masked" in result.stderr


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
    for earlier, later in [("Secret", "StatefulSet"), ("ServiceAccount", "Deployment"), ("StatefulSet", "Job")]:
        assert max(i for i, kind in enumerate(kinds) if kind == earlier) < kinds.index(later)


def test_no_annotation_that_only_the_engine_reads_is_rendered() -> None:
    assert "pulumi.com/" not in stream(shipped("prod"))


def test_secret_values_are_masked_and_their_keys_are_not(project: Path) -> None:
    assert project.is_dir()
    result = run("render", "render")
    secret = next(item for item in _documents(result.output) if item["metadata"]["name"] == "archesai-database")
    assert secret["stringData"] == {"DATABASE_URL": "<secret>", "POSTGRES_PASSWORD": "<secret>"}


def test_show_secrets_writes_generated_values(project: Path) -> None:
    assert project.is_dir()
    result = run("render", "render", "--show-secrets")
    secret = next(item for item in _documents(result.output) if item["metadata"]["name"] == "archesai-database")
    data = secret["stringData"]
    assert len(data["POSTGRES_PASSWORD"]) == 32
    assert f":{data['POSTGRES_PASSWORD']}@archesai-postgres:5432/archesai" in data["DATABASE_URL"]


def test_show_secrets_refuses_values_that_only_the_engine_can_decrypt(project: Path) -> None:
    stack = "config:\n  archesai:environment: development\n  archesai:databasePassword: {secure: v1:abc}\n"
    (project / "Pulumi.dev.yaml").write_text(stack)
    result = run("render", "render", "--show-secrets")
    assert result.exit_code == 2
    assert "databasePassword cannot be decrypted without the engine" in result.stderr


def test_a_directory_gets_one_file_an_object_and_loses_what_is_no_longer_declared(project: Path) -> None:
    out = project / "out"
    (out / "helm").mkdir(parents=True)
    (out / "deployment-gone.yaml").write_text("kind: Deployment\n")
    result = run("render", "render", "--stack", "prod", "--out", str(out))
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.yaml")}
    assert result.exit_code == 0
    assert written == set(files(shipped("prod")))
    assert "helm/traefik.yaml" in written


def test_check_names_what_is_missing_left_over_or_different(project: Path) -> None:
    out = project / "out"
    run("render", "render", "--out", str(out))
    assert run("render", "render", "--out", str(out), "--check").exit_code == 0
    (out / "service-archesai-api.yaml").write_text("kind: Service\n")
    (out / "role-archesai-role.yaml").unlink()
    (out / "pod-extra.yaml").write_text("kind: Pod\n")
    result = run("render", "render", "--out", str(out), "--check")
    assert result.exit_code == 1
    assert "service-archesai-api.yaml: differs" in result.stderr
    assert "role-archesai-role.yaml: missing" in result.stderr
    assert "pod-extra.yaml: left over" in result.stderr


def test_two_evaluations_render_the_same_text_although_passwords_are_random() -> None:
    assert stream(evaluated()) == stream(evaluated())
