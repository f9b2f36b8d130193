"""Notes of a release."""

from __future__ import annotations

import pytest

from tools.release_notes import notes

TEXT = """\
# Changelog

## Unreleased

## 1.10.0 (2026-12-01)

### State changes
- The api restarts.

## 1.1.0
- First.
"""


@pytest.mark.parametrize(
    ("tag", "text"), [("v1.10.0", "### State changes\n- The api restarts.\n"), ("v1.1.0", "- First.\n")]
)
def test_a_release_has_the_notes_of_its_version_and_no_other(tag: str, text: str) -> None:
    assert notes(TEXT, tag) == text


@pytest.mark.parametrize("tag", ["v1.1", "v2.0.0", "vUnreleased"])
def test_a_tag_without_a_section_of_the_changelog_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="rename Unreleased before the tag is made"):
        notes(TEXT, tag)
