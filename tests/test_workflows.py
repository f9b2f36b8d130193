"""The pipelines: valid, safe for forks, and made of commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from archesai_infra.cli.app import COMMANDS
from testbed.stacks import ROOT
from tools.set_version import with_version

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OURS = [path for path in WORKFLOWS if path.name in ("preview.yml", "deploy.yml", "drift.yml")]
PIPELINES = [*OURS, ROOT / ".gitlab-ci.yml"]
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def _read(name: str) -> dict[str, Any]:
    document = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as true.
    return {"on" if key is True else key: value for key, value in document.items()}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_runs_a_forks_code_with_secrets(path: Any) -> None:  # noqa: ANN401 - a path
    assert "pull_request_target" not in path.read_text(encoding="utf-8")
    assert "workflow_run" not in path.read_text(encoding="utf-8")


def test_a_pull_request_of_a_fork_meets_no_secret() -> None:
    preview = _read("preview.yml")
    assert list(preview["on"]) == ["pull_request"]
    with_secrets = {name: job for name, job in preview["jobs"].items() if "secrets." in str(job)}
    assert {name: job["if"] for name, job in with_secrets.items()} == {
        "comment": "github.event.pull_request.head.repo.full_name == github.repository"
    }
    assert "KUBECONFIG_DEPLOY" not in str(preview)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_tokens_may_only_read_unless_a_job_says_why(path: Any) -> None:  # noqa: ANN401 - a path
    workflow = _read(path.name)
    assert workflow["permissions"]["contents"] == "read"
    assert "write-all" not in str(workflow)
    checkouts = [
        step for job in workflow["jobs"].values() for step in job["steps"] if "checkout" in str(step.get("uses"))
    ]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_script_is_put_together_from_what_others_wrote(path: Any) -> None:  # noqa: ANN401 - a path
    scripts = [step["run"] for job in _read(path.name)["jobs"].values() for step in job["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_a_deployment_is_approved_alone_at_its_time_and_smoke_tested() -> None:
    workflow = _read("deploy.yml")
    job = workflow["jobs"]["deploy"]
    assert job["environment"]
    assert workflow["concurrency"]["cancel-in-progress"] is False
    commands = [step.get("run", "") for step in job["steps"]]
    order = [
        next(i for i, run in enumerate(commands) if part in run) for part in ("doctor", " up ", "status", "/health")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_the_commands_of_a_pipeline_exist(path: Any) -> None:  # noqa: ANN401 - a path
    text = path.read_text(encoding="utf-8")
    used = set(re.findall(r"\.venv/bin/arches ([a-z-]+)", text))
    assert used
    assert used - set(COMMANDS) == set()


def test_a_version_is_written_into_the_stack_file_and_nothing_else_changes() -> None:
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    changed = with_version(text, "1.10")
    config = yaml.safe_load(changed)["config"]
    assert [config[f"archesai:{module}"]["image"]["tag"] for module in ("api", "platform")] == ["1.10", "1.10"]
    lines = [(old, new) for old, new in zip(text.splitlines(), changed.splitlines(), strict=True) if old != new]
    assert [new.strip() for _, new in lines] == ['tag: "1.10"', 'tag: "1.10"']


@pytest.mark.parametrize("tag", ["", "a b", "v1\n  evil: true", "-x"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="is no image tag"):
        with_version((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"), tag)


def test_a_stack_file_without_a_tag_is_refused() -> None:
    with pytest.raises(ValueError, match=r"archesai:api has no image\.tag"):
        with_version("config:\n  archesai:environment: development\n", "v1")


def test_actionlint_finds_nothing() -> None:
    command = _actionlint()
    done = subprocess.run([*command, *map(str, OURS)], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def _actionlint() -> list[str]:
    """actionlint, or a skip that names what is missing; a build takes longer than a test may."""
    if found := shutil.which("actionlint"):
        return [found]
    if shutil.which("go") is None:
        pytest.skip("actionlint: neither it nor go is on PATH")
    command = ["go", "run", ACTIONLINT]
    try:
        done = subprocess.run([*command, "-version"], capture_output=True, check=False, timeout=180)
    except subprocess.TimeoutExpired:
        pytest.skip(f"actionlint: go did not build {ACTIONLINT} within three minutes")
    if done.returncode != 0:
        pytest.skip(f"actionlint: go cannot fetch {ACTIONLINT}")
    return command
