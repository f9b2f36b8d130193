"""Upgrades of this program from its last release."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from testbed.releases import KEPT, last_release, refused, rendered_at, rendered_now, stacks_at
from testbed.stacks import ROOT


def _git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", directory, *identity, *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A repository whose last release is the present rendering."""
    directory = tmp_path / "repository"
    shutil.copytree(ROOT / "rendered", directory / "rendered")
    for path in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, directory)
    _git(directory, "init", "-q")
    _git(directory, "add", "-A")
    _git(directory, "commit", "-qm", "Release")
    _git(directory, "tag", "v1.0.0")
    return directory


def test_an_upgrade_from_the_last_release_keeps_data_and_changes_no_immutable_field(tmp_path: Path) -> None:
    tag = last_release(ROOT)
    if tag is None:
        pytest.skip("no release is tagged yet")
    names = stacks_at(ROOT, tag)
    assert names, f"{tag} has no rendered stack"
    for stack in names:
        before, after = rendered_at(ROOT, tag, stack), rendered_now(ROOT, tag, stack, tmp_path)
        assert list(refused(before, after)) == [], f"{stack} since {tag}"


def test_the_present_rendering_is_an_upgrade_of_itself(released: Path, tmp_path: Path) -> None:
    assert last_release(released) == "v1.0.0"
    assert set(stacks_at(released, "v1.0.0")) == {"dev", "prod"}
    before = rendered_at(released, "v1.0.0", "prod")
    after = rendered_now(released, "v1.0.0", "prod", tmp_path)
    assert {key.kind for key in before} > set(KEPT)
    assert before == after
    assert list(refused(before, after)) == []


def test_a_renamed_claim_and_a_changed_selector_are_found(released: Path) -> None:
    before = rendered_at(released, "v1.0.0", "prod")
    after = rendered_at(released, "v1.0.0", "prod")
    claim = next(key for key in after if key.kind == "PersistentVolumeClaim")
    del after[claim]
    deployment = next(key for key in after if key.kind == "Deployment")
    after[deployment]["spec"]["selector"] = {"matchLabels": {"app": "another"}}
    assert set(refused(before, after)) == {
        f"PersistentVolumeClaim {claim.name} is gone or has another name",
        f"Deployment {deployment.name}: selector cannot be changed",
    }


def test_a_repository_without_a_release_has_none(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    assert last_release(tmp_path) is None
