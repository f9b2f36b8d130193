"""`arches review`: what a rendered change says, judged by the policies of the checkout that reviews it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import ROOT

__all__ = ["project"]

DEPLOYMENT = "prod/deployment-archesai-api.yaml"
CLAIM = "prod/persistentvolumeclaim-archesai-postgres-data.yaml"


@pytest.fixture
def change(project: Path) -> Path:
    """A rendered change that changes nothing yet, beside a project that holds the base and the policies."""
    shutil.copytree(ROOT / "policy", project / "policy", ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    shutil.copytree(ROOT / "rendered", project / "rendered")
    shutil.copytree(ROOT / "rendered", project / "change")
    return project / "change"


def _review() -> tuple[int, str, str]:
    result = run("review", "change", "--base", "rendered")
    return result.exit_code, result.output, result.stderr


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("change")
def test_a_change_that_changes_nothing_says_so_for_each_stack() -> None:
    status, text, _ = _review()
    assert status == 0
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### dev: no changes",
        "### prod: no changes",
    ]


def test_a_claim_that_leaves_the_stack_stands_first_and_a_changed_field_is_named(change: Path) -> None:
    (change / CLAIM).unlink()
    _edit(change / DEPLOYMENT, "automountServiceAccountToken: false", "automountServiceAccountToken: true")
    status, text, _ = _review()
    assert status == 0
    assert "DELETES PersistentVolumeClaim `archesai-postgres-data` (database)" in text.partition("Data at risk")[2]
    assert "Deployment `archesai-api`\n  - `spec.template.spec.automountServiceAccountToken`: `false` → `true`" in text


def test_the_verdict_comes_from_the_reviewing_checkout_whatever_the_change_says_of_policies(change: Path) -> None:
    _edit(change / DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false")
    shutil.copytree(ROOT / "policy", change / "policy", ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    for path in (change / "policy").glob("*.yaml"):
        path.unlink()
    (change / "policy" / "checks" / "__init__.py").write_text("CHECKS = {}\nPRODUCTION_CHECKS = {}\n", encoding="utf-8")
    status, text, _ = _review()
    assert status == 1
    assert "Policies that the change breaks" in text
    assert "restricted: Deployment archesai-api" in text


def test_a_stack_that_the_base_does_not_know_is_judged_as_production(change: Path) -> None:
    shutil.copytree(change / "dev", change / "other")
    document = yaml.safe_load((change / "other" / "deployment-archesai-api.yaml").read_text(encoding="utf-8"))
    document["spec"]["template"]["spec"]["containers"][0]["image"] = "archesai/api:latest"
    (change / "other" / "deployment-archesai-api.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    status, text, _ = _review()
    assert status == 1
    assert "pinned-images: Deployment archesai-api" in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &a [1]\nb: [*a, *a]\n", "must not have YAML aliases"),
        ("[" * 3000, "is not readable as YAML"),
        ("x: " + "9" * 5000, "is not readable as YAML"),
        ("- 1\n", "must be an object"),
        ("kind: Pod\n", "has no kind or no metadata.name"),
        ("a" * (2**20 + 1), "must be a file of at most"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(change: Path, text: str, problem: str) -> None:
    (change / DEPLOYMENT).write_text(text, encoding="utf-8")
    status, written, error = _review()
    assert (status, written) == (2, "")
    assert problem in error
    assert len(error.splitlines()) == 1


def test_a_link_is_not_followed(change: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("kind: Secret\n", encoding="utf-8")
    (change / DEPLOYMENT).unlink()
    (change / DEPLOYMENT).symlink_to(tmp_path / "outside")
    status, _, error = _review()
    assert status == 2
    assert "and no link" in error
