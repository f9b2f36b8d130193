"""What Renovate updates: every version that the program pins."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from archesai_infra import versions
from testbed.stacks import ROOT

CONFIGURATION: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
VERSIONS = (ROOT / "archesai_infra" / "versions.py").read_text(encoding="utf-8")


def _matched() -> set[tuple[str, str]]:
    """Name and version of each dependency that the custom managers find in versions.py."""
    found: set[tuple[str, str]] = set()
    for manager in CONFIGURATION["customManagers"]:
        for pattern in manager["matchStrings"]:
            # JavaScript names its groups `(?<name>`, Python `(?P<name>`.
            for match in re.finditer(re.sub(r"\(\?<(?=[a-zA-Z])", "(?P<", pattern), VERSIONS):
                groups = match.groupdict()
                found.add((groups.get("depName") or manager["depNameTemplate"], groups["currentValue"]))
    return found


def _pinned() -> set[tuple[str, str]]:
    pinned: set[tuple[str, str]] = set()
    for value in vars(versions).values():
        if isinstance(value, versions.ImageVersion) and value.tag != "latest":
            pinned.add((value.repository, value.tag))
        if isinstance(value, versions.ChartVersion):
            pinned.add((value.address.removeprefix("oci://"), value.version))
    return pinned


def test_every_image_and_chart_is_updated_but_the_application_s_own() -> None:
    # Playwright's image follows the npm package.
    playwright = (versions.SCRAPER.repository, versions.SCRAPER.tag)
    assert _matched() == (_pinned() - {playwright}) | {("playwright", versions.PLAYWRIGHT)}


@pytest.mark.parametrize(
    ("image", "tag", "compatibility"),
    [
        (versions.DATABASE, "0.8.6-pg16-bookworm", "pg16-bookworm"),
        (versions.DATABASE, "0.8.7-pg16-bookworm", "pg16-bookworm"),
        (versions.DATABASE, "pg16", None),
        (versions.POSTGRES, "16.15-standard-trixie", "standard-trixie"),
        (versions.POSTGRES, "16-standard-trixie", None),
    ],
)
def test_a_tag_of_postgresql_is_read_with_its_contents_and_debian(
    image: versions.ImageVersion, tag: str, compatibility: str | None
) -> None:
    own = [rule for rule in CONFIGURATION["packageRules"] if rule.get("matchDepNames") == [image.repository]]
    (versioning,) = (rule["versioning"] for rule in own if "versioning" in rule)
    pattern = re.sub(r"\(\?<(?=[a-zA-Z])", "(?P<", versioning.removeprefix("regex:"))
    match = re.match(pattern, tag)
    assert (match["compatibility"] if match else None) == compatibility


def test_modules_packages_and_actions_have_a_manager() -> None:
    managers = set(CONFIGURATION["enabledManagers"])
    assert {"gomod", "pep621", "github-actions", "gitlabci", "custom.regex"} <= managers
