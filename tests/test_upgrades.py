"""Upgrades of this program from its releases."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from testbed.releases import KEPT, Change, changes, load, newest, refused, unlisted
from testbed.stacks import ROOT
from tools.release_state import DIRECTORY, STACKS, Record, digest, records, release

RELEASES = sorted(DIRECTORY.glob("*.json"))
CHANGELOG = """\
## Unreleased

### State changes
- Deployment `archesai-api` rolls once. ConfigMap `archesai-config-*` gets another name.

## 1.0.0

### State changes
- StatefulSet `archesai-postgres` restarts.
"""


@pytest.fixture(scope="module")
def present() -> dict[str, Record]:
    """What the present code declares of production."""
    return release("v1.0.0")["stacks"]["prod"]["resources"]


def _one(resources: dict[str, Record], kind: str, start: str) -> str:
    return next(urn for urn, item in resources.items() if item["kind"] == kind and item["name"].startswith(start))


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("stack", STACKS)
def test_an_upgrade_keeps_data_and_changes_no_immutable_field(path: Path, stack: str) -> None:
    before = load(path)["stacks"][stack]
    assert {item["kind"] for item in before["resources"].values()} > set(KEPT)
    assert list(refused(before["resources"], records(before["file"], stack))) == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_changelog_names_exactly_what_an_upgrade_from_the_last_release_changes(stack: str) -> None:
    path = newest(DIRECTORY)
    if path is None:
        pytest.skip("no release is recorded yet")
    before = load(path)["stacks"][stack]
    found = changes(before["resources"], records(before["file"], stack))
    assert unlisted(found, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), path.stem) == []


def test_the_present_code_is_an_upgrade_of_itself(present: dict[str, Record]) -> None:
    again = records((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"), "prod")
    assert list(changes(present, again)) == []
    assert list(refused(present, again)) == []


def test_each_kind_of_change_is_found_and_wanted_in_the_changelog(present: dict[str, Record]) -> None:
    after = copy.deepcopy(present)
    for kind, name in (("Deployment", "archesai-api"), ("StatefulSet", "archesai-postgres")):
        after[_one(after, kind, name)]["pods"] = digest("another template")
    after[_one(after, "ConfigMap", "archesai-config-")]["name"] = "archesai-config-0123abcd"
    after[_one(after, "Release", "loki")]["inputs"] = digest("other values")
    gone = after.pop(_one(after, "CronJob", "archesai-"))["name"]
    found = list(changes(present, after))
    assert set(found) == {
        Change("restarts", "Deployment", "archesai-api"),
        Change("restarts", "StatefulSet", "archesai-postgres"),
        Change("replaced", "ConfigMap", "archesai-config-0123abcd"),
        Change("updated", "Release", "loki"),
        Change("gone", "CronJob", gone),
    }
    # The restart of the database stands in the release that the upgrade starts from.
    assert unlisted(iter(found), CHANGELOG, "v1.0.0") == [
        f"gone CronJob `{gone}`",
        "restarts StatefulSet `archesai-postgres`",
        "updated Release `loki`",
    ]


def test_a_renamed_claim_and_a_changed_selector_are_refused(present: dict[str, Record]) -> None:
    after = copy.deepcopy(present)
    claim = _one(after, "PersistentVolumeClaim", "archesai-")
    after[claim]["name"] = "another"
    after[_one(after, "Deployment", "archesai-api")]["fixed"]["selector"] = digest({"app": "another"})
    assert set(refused(present, after)) == {
        f"PersistentVolumeClaim {present[claim]['name']} is gone or has another name",
        "Deployment archesai-api: selector cannot be changed",
    }


def test_the_newest_release_is_that_of_the_highest_number(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for name in ("before-first", "v1.9.0", "v1.10.0"):
        (tmp_path / f"{name}.json").touch()
    assert newest(tmp_path) == tmp_path / "v1.10.0.json"
