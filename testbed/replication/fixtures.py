"""Fixtures of tests with PostgreSQL's own programs."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from testbed.replication.programs import postgres_programs


@pytest.fixture(scope="module")
def programs() -> Generator[Path]:
    """The directory of PostgreSQL 16's programs."""
    with postgres_programs(16) as found:
        yield found
