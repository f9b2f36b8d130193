"""Print the notes of a release, its section of CHANGELOG.md: python -m tools.release_notes TAG."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def notes(text: str, tag: str) -> str:
    """The section of a version, without its heading; raises ValueError where there is none or it says nothing."""
    version = tag.removeprefix("v")
    found = re.search(rf"(?ms)^## \[?{re.escape(version)}(?![\w.])[^\n]*\n(.*?)(?=^## |\Z)", text)
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {version}: rename Unreleased before the tag is made")
    return found[1].strip() + "\n"


def main() -> int:
    """Exit status: 1 where the changelog has no such section."""
    try:
        sys.stdout.write(notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]))
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
