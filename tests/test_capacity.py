"""What docs/scale.md says that stacks of three sizes reserve."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from testbed.capacity import capacity
from testbed.stacks import ROOT, render

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
SIZES = re.findall(r"^### ([^\n]+)\n.*?```yaml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("name", "text"), SIZES, ids=[name for name, _ in SIZES])
def test_the_table_of_sizes_follows_from_their_stack_files(name: str, text: str) -> None:
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    stack = render({key.removeprefix("archesai:"): value for key, value in config.items()})
    assert capacity(stack).row(name) in PAGE.splitlines()


def test_there_are_three_sizes() -> None:
    assert [name for name, _ in SIZES] == ["Small team", "Busy company", "Heavy"]
