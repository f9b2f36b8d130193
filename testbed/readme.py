"""The README's commands, by what they need."""

from __future__ import annotations

from typing import Final

from testbed.clones import commands
from testbed.stacks import ROOT

TEXT: Final = (ROOT / "README.md").read_text(encoding="utf-8")

PREVIEW: Final = "make preview"
SWITCH_ON: Final = ".venv/bin/arches config set redis.enabled true"
TEST: Final = "make test"
WITHOUT_CLUSTER: Final = frozenset({PREVIEW, SWITCH_ON, TEST})

UP: Final = "make up STACK=dev"
UP_WITH_PULUMI: Final = "pulumi up --stack dev"
WITH_CLUSTER: Final = frozenset({UP, UP_WITH_PULUMI})


def written() -> frozenset[str]:
    """The commands that the README has."""
    return frozenset(commands(TEXT))
