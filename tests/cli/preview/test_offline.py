"""The offline preview as a difference to a commit, run as a new user would in a fresh clone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from testbed.cli.projects import no_engine, project
from testbed.cli.running import run
from testbed.stacks import ROOT

__all__ = ["no_engine", "project"]


@pytest.fixture
def clone(project: Path) -> Path:
    """A project with one commit, its program included."""
    shutil.copytree(ROOT / "archesai_infra", project / "archesai_infra", ignore=shutil.ignore_patterns("__pycache__"))
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *identity, *words], cwd=project, check=True, capture_output=True, timeout=60)
    return project


def _set(*words: str) -> None:
    result = run("config", "set", *words)
    assert result.exit_code == 0, result.stderr


def test_nothing_differs_from_the_commit_and_no_file_changes(clone: Path) -> None:
    before = {path: path.read_bytes() for path in clone.iterdir() if path.is_file()}
    result = run("preview", "--offline", "--exit-code")
    assert (result.exit_code, "nothing differs from commit " in result.output) == (0, True)
    assert "\narchesai-dev  " in result.output
    assert "+ " not in result.output
    assert " declared (" in result.output
    assert {path: path.read_bytes() for path in clone.iterdir() if path.is_file()} == before


@pytest.mark.usefixtures("clone")
def test_an_edit_shows_old_and_new_values_what_restarts_and_what_opens() -> None:
    _set("redis.enabled", "true")
    _set("api.image.tag", "1.10")
    result = run("preview", "--offline", "--exit-code")
    assert result.exit_code == 1
    assert "Restarts: archesai-api (rolling)" in result.output
    assert "Opens:    api -> redis:6379" in result.output
    assert "containers.api.image: archesai/api:latest -> archesai/api:1.10" in result.output.replace("docker.io/", "")
    assert "ConfigMap archesai-config-" in result.output.partition("(new revision)")[0]
    assert "<secret>" not in result.output


@pytest.mark.usefixtures("clone")
def test_the_json_of_it_is_what_the_digest_reads() -> None:
    _set("api.replicas", "2")
    document = run("preview", "--offline", "--json").output
    assert json.loads(document)["comparedWith"].startswith("commit ")
    text = run("digest", "-", stdin=document).output
    assert "`spec.replicas`: `1` → `2`" in text


def test_the_commit_is_evaluated_once_and_another_program_or_stack_file_is_another_commit(
    clone: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    def preview() -> tuple[str, int]:
        return run("preview", "--offline", "--json").output, len(list(cache.rglob("*.json")))

    _set("api.replicas", "2")
    first = preview()
    assert first == (preview()[0], 1)
    for path in cache.rglob("*.json"):
        path.write_text("{}", encoding="utf-8")
    assert {step["op"] for step in json.loads(preview()[0])["steps"]} == {"create"}
    file = clone / "archesai_infra" / "versions.py"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n", encoding="utf-8")
    commit = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-a", "-m", "second"]
    subprocess.run(commit, cwd=clone, check=True, capture_output=True, timeout=60)
    _set("api.replicas", "3")
    again, kept = preview()
    assert (kept, {step["op"] for step in json.loads(again)["steps"]}) == (2, {"update"})


@pytest.mark.usefixtures("clone")
def test_a_revision_that_git_does_not_know_is_a_sentence() -> None:
    result = run("preview", "--offline", "--against", "nowhere")
    assert (result.exit_code, "Git knows no such revision" in result.stderr) == (2, True)


@pytest.mark.usefixtures("no_engine")
def test_without_git_the_whole_stack_is_shown_and_json_compares_with_nothing(project: Path) -> None:
    assert project.is_dir()
    assert "+ archesai-dev" in run("preview").output
    document = json.loads(run("preview", "--json").output)
    assert document["comparedWith"] is None
    assert {step["op"] for step in document["steps"]} == {"create"}
