"""What functions print on a terminal of a given width, in this process."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

COLORS = re.compile(r"\x1b\[[0-9;]*m")


class Screen(StringIO):
    """A stream that says that a person watches it."""

    def isatty(self) -> bool:
        """As for a terminal."""
        return True

    @property
    def lines(self) -> list[str]:
        """What is on it, without colours."""
        return COLORS.sub("", self.getvalue()).splitlines()


@contextmanager
def screen(columns: int, **variables: str) -> Generator[Screen]:
    """Standard output and standard error as one terminal."""
    shown = Screen()
    terminal = {"COLUMNS": str(columns), "TERM": "xterm-256color", **variables}
    with patch.dict(os.environ, terminal), redirect_stdout(shown), redirect_stderr(shown):
        yield shown
