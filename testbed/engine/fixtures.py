"""The engine for tests, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed.controlplane.fixtures import parts_or_skip
from testbed.engine import engines
from testbed.engine.project import snapshot
from testbed.programs import parts

MARKER = "provider"


@pytest.fixture(scope="session")
def engine() -> engines.Engine:
    """The engine that tests run; skips where there is none."""
    found = engines.find()
    if found is None:
        parts_or_skip(*parts.ENGINE)
        found = engines.find()
    assert found
    return found


@pytest.fixture(scope="session")
def engine_environment(engine: engines.Engine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables for every engine."""
    helm = tmp_path_factory.mktemp("helm")
    directories = {f"HELM_{kind}_HOME": str(helm / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    quiet = {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    return {**directories, **quiet, **engine.variables(tmp_path_factory.mktemp("pulumi"))}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory, engine_environment: Mapping[str, str]) -> Path:
    """The program as it was when the tests began; needs an engine that will run it."""
    assert engine_environment
    return snapshot(tmp_path_factory.mktemp("program") / "source")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need a newer provider than there is, with what it lacks: `provider(minimum, what)`."""
    marked = [(item, mark) for item in items for mark in item.iter_markers(MARKER)]
    found = engines.find() if marked else None
    for item, mark in marked:
        minimum, what = mark.args
        if found and found.lacks(minimum):
            why = f"{what} needs provider {minimum} or newer, here is {found.provider}; put a newer `pulumi` on PATH"
            item.add_marker(pytest.mark.skip(reason=why))
