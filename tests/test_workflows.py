"""The pipelines: valid, safe for pull requests of anybody, and made of commands that exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.app import COMMANDS
from testbed.stacks import ROOT
from tools.set_version import with_version

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
NAMES = [path.name for path in WORKFLOWS]
ACTIONS = sorted((GITHUB / "actions").rglob("action.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
UNTRUSTED = ("pull_request",)
"""Triggers whose workflows run code that nobody has reviewed."""
PRIVILEGED = ("pull_request_target", "issue_comment")
"""Triggers that combine somebody else's code or text with the repository's secrets."""
SCANS = ("scorecard.yml",)
"""Workflows whose token writes findings; they check the default branch out and run none of its code."""
COMMIT = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")


class _GitLab(yaml.SafeLoader):
    """YAML with GitLab's own tag for parts of other jobs."""


def _reference(_: yaml.SafeLoader, node: yaml.SequenceNode) -> list[str]:
    return [str(part.value) for part in node.value]


_GitLab.add_constructor("!reference", _reference)


def _read(name: str) -> dict[str, Any]:
    document = yaml.safe_load((GITHUB / "workflows" / name).read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as true.
    return {"on" if key is True else key: value for key, value in document.items()}


def _gitlab() -> dict[str, Any]:
    return _GitLab(GITLAB.read_text(encoding="utf-8")).get_single_data()


def _jobs(*names: str) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Every job as workflow, name, job and the permissions of its token."""
    found: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []
    for name in names or NAMES:
        workflow = _read(name)
        found += [
            (name, key, job, job.get("permissions", workflow["permissions"])) for key, job in workflow["jobs"].items()
        ]
    return found


def _writes(permissions: dict[str, str]) -> set[str]:
    """What a token may change; an identity for a cloud counts, because a role may stand behind it."""
    return {key for key, value in permissions.items() if value == "write"}


def _text(value: object) -> str:
    return json.dumps(value)


def test_no_workflow_has_a_trigger_that_hands_secrets_to_a_pull_requests_code() -> None:
    assert {name: set(_read(name)["on"]) & set(PRIVILEGED) for name in NAMES} == {name: set() for name in NAMES}


def test_what_runs_a_pull_requests_code_has_no_secret_no_environment_and_a_token_that_only_reads() -> None:
    untrusted = [name for name in NAMES if set(_read(name)["on"]) & set(UNTRUSTED)]
    assert untrusted == ["preview.yml"]
    for _, _, job, permissions in _jobs(*untrusted):
        assert permissions == {"contents": "read"}
        assert "environment" not in job
    for name in untrusted:
        assert (
            re.findall(r"secrets\.|github\.token|cloud-login", (GITHUB / "workflows" / name).read_text("utf-8")) == []
        )


def test_what_follows_a_pull_request_checks_out_the_default_branch_alone_and_has_no_secret() -> None:
    following = [name for name in NAMES if "workflow_run" in _read(name)["on"]]
    assert following == ["review.yml"]
    for name, _, job, _ in _jobs(*following):
        text = (GITHUB / "workflows" / name).read_text(encoding="utf-8")
        assert "secrets." not in text
        assert "environment" not in job
        refs = [step["with"]["ref"] for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert set(refs) <= {"${{ github.event.repository.default_branch }}"}
        # What the pull request left is data: it lies outside the checkout and no step runs it.
        for step in job["steps"]:
            if "download-artifact" in step.get("uses", "") and step["with"]["name"] == "change":
                assert step["with"]["path"].startswith("${{ runner.temp }}")


def test_no_token_that_writes_is_in_a_job_that_runs_the_repositorys_code() -> None:
    for name, key, job, permissions in _jobs():
        checks_out = any("checkout" in step.get("uses", "") for step in job["steps"])
        writes = _writes(permissions) - ({"id-token"} if job.get("environment") else set())
        runs = any("run" in step for step in job["steps"])
        if name in SCANS:
            assert (name, key, runs) == (name, key, False)
            continue
        assert (name, key, checks_out and bool(writes)) == (name, key, False)
    assert {name: _read(name)["permissions"] for name in NAMES} == {name: {"contents": "read"} for name in NAMES}


def test_a_checkout_leaves_no_token_behind() -> None:
    checkouts = [step for _, _, job, _ in _jobs() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


def test_secrets_reach_only_the_steps_that_need_them_and_only_in_an_environment() -> None:
    for name in NAMES:
        workflow = _read(name)
        assert "secrets." not in _text(workflow.get("env", {}))
        for job in workflow["jobs"].values():
            assert "secrets." not in _text(job.get("env", {}))
            using = [step for step in job["steps"] if "secrets." in _text(step)]
            assert not using or job.get("environment")
            assert all("run" in step and "secrets." not in step["run"] for step in using)


def test_every_action_is_pinned_by_its_commit() -> None:
    steps = [step for _, _, job, _ in _jobs() for step in job["steps"]]
    steps += [step for path in ACTIONS for step in yaml.safe_load(path.read_text("utf-8"))["runs"]["steps"]]
    used = {step["uses"] for step in steps if "uses" in step and not step["uses"].startswith("./")}
    assert used
    assert {action for action in used if not COMMIT.match(action)} == set()


def test_packages_are_installed_by_their_hashes_alone() -> None:
    scripts = [step["run"] for _, _, job, _ in _jobs() for step in job["steps"] if "run" in step]
    scripts += [line for job in _gitlab().values() if isinstance(job, dict) for line in map(str, job.get("script", []))]
    assert [
        script for script in scripts if re.search(r"pip3? install|npx|curl[^|]*\|\s*(ba)?sh|npm install", script)
    ] == []
    # What `make setup` runs.
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"pip install.*", makefile)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line] == []


def test_the_token_that_comments_can_neither_approve_nor_push() -> None:
    jobs = {(name, key): permissions for name, key, _, permissions in _jobs()}
    assert _writes(jobs["review.yml", "comment"]) == {"issues"}


def test_a_deployment_asks_whether_anybody_must_approve_before_it_touches_an_environment() -> None:
    jobs = _read("deploy.yml")["jobs"]
    assert [jobs[name].get("needs") for name in ("protected", "preview", "deploy")] == [None, "protected", "preview"]
    assert "environment" not in jobs["protected"]


def _approval(tmp_path: Path, answer: object) -> int:
    """Status of the deployment's first step where GitHub answers this about the environment."""
    answered = tmp_path / "answer.json"
    answered.write_text(json.dumps(answer), encoding="utf-8")
    stand_in = tmp_path / "gh"
    stand_in.write_text(f"#!/bin/sh\ncat {answered}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    step = _read("deploy.yml")["jobs"]["protected"]["steps"][0]
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "STACK": "prod", "REPOSITORY": "a/b"}
    return subprocess.run(["bash", "-e", "-c", step["run"]], env=variables, check=False, timeout=30).returncode


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"protection_rules": [{"type": "required_reviewers"}], "deployment_branch_policy": {"a": 1}}, 0),
        ({"protection_rules": [{"type": "wait_timer"}], "deployment_branch_policy": {"a": 1}}, 1),
        ({"protection_rules": [{"type": "required_reviewers"}], "deployment_branch_policy": None}, 1),
        ({"message": "Not Found"}, 1),
    ],
)
def test_an_environment_without_reviewers_or_open_to_every_branch_stops_a_deployment(
    answer: object, status: int, tmp_path: Path
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not on PATH")
    assert _approval(tmp_path, answer) == status


@pytest.mark.parametrize(("login", "does"), [("somebody", "issue create"), ("app/github-actions", "issue edit 7")])
def test_only_the_workflows_own_issue_about_drift_is_updated(login: str, does: str, tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not on PATH")
    calls = tmp_path / "calls"
    issue = [{"number": 7, "author": {"is_bot": login.startswith("app/"), "login": login}}]
    (tmp_path / "issues").write_text(json.dumps(issue), encoding="utf-8")
    stand_in = tmp_path / "gh"
    listing = f'[ "$2" = list ] && cat {tmp_path / "issues"}'
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{listing}\nexit 0\n', encoding="utf-8")
    stand_in.chmod(0o755)
    step = next(step for step in _read("drift.yml")["jobs"]["report"]["steps"] if "run" in step)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", step["run"]], env=variables, check=False, timeout=30)
    changes = [line for line in calls.read_text(encoding="utf-8").splitlines() if "issue list" not in line]
    assert [line for line in changes if line.startswith("issue")] == [changes[-1]]
    assert changes[-1].startswith(does)


def test_gitlabs_jobs_for_merge_requests_use_no_secret() -> None:
    jobs = {name: job for name, job in _gitlab().items() if isinstance(job, dict) and "stage" in job}
    on_requests = {name: job for name, job in jobs.items() if "merge_request_event" in _text(job["rules"])}
    assert set(on_requests) == {"render", "review"}
    assert [
        name for name, job in on_requests.items() if re.search(r"KUBECONFIG|PULUMI|TOKEN|id_tokens", _text(job))
    ] == []
    review = _text(on_requests["review"]["before_script"])
    assert review.index("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") < review.index("git checkout") < review.index(".setup")


@pytest.mark.parametrize("name", NAMES)
def test_no_script_is_put_together_from_what_others_wrote(name: str) -> None:
    scripts = [step["run"] for job in _read(name)["jobs"].values() for step in job["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_a_deployment_is_approved_alone_at_its_time_and_smoke_tested() -> None:
    workflow = _read("deploy.yml")
    job = workflow["jobs"]["deploy"]
    assert job["environment"]
    assert workflow["concurrency"]["cancel-in-progress"] is False
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    order = [commands.index(part) for part in ("arches doctor", "arches up", "arches status", "/health")]
    assert order == sorted(order)


@pytest.mark.parametrize("name", ["preview.yml", "review.yml", "deploy.yml", "drift.yml", "../../.gitlab-ci.yml"])
def test_the_commands_of_a_pipeline_exist(name: str) -> None:
    text = (GITHUB / "workflows" / name).read_text(encoding="utf-8")
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
    done = subprocess.run([*command, *map(str, WORKFLOWS)], capture_output=True, text=True, check=False, timeout=120)
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
