from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed.engine import engines
from testbed.engine.engines import Engine
from testbed.programs import parts


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path / "parts"))
    return tmp_path


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)


def _install(machine: Path, provider: str) -> None:
    _program(machine / "bin" / "pulumi")
    _program(machine / "home" / "plugins" / f"resource-kubernetes-v{provider}" / "pulumi-resource-kubernetes")


def _build() -> None:
    for part in parts.select(*parts.ENGINE):
        part.output.mkdir(parents=True)


def test_an_engine_on_path_with_the_provider_of_the_sdk_is_preferred(machine: Path) -> None:
    assert engines.find() is None
    _build()
    assert engines.find() == Engine(parts.PROVIDER_VERSION, built=True)
    _install(machine, engines.WANTED)
    assert engines.find() == Engine(engines.WANTED, built=False)


def test_an_engine_on_path_with_another_provider_is_not_run(machine: Path) -> None:
    _install(machine, "4.0.0")
    assert engines.find() is None


def test_the_built_provider_stands_where_the_engine_looks_for_that_of_the_sdk(machine: Path) -> None:
    variables = Engine(parts.PROVIDER_VERSION, built=True).variables(machine / "own")
    plugin = machine / "own" / "plugins" / f"resource-kubernetes-v{engines.WANTED}" / "pulumi-resource-kubernetes"
    assert plugin.readlink() == parts.executables(*parts.ENGINE)["pulumi-resource-kubernetes"]
    assert variables["PULUMI_HOME"] == str(machine / "own")
    first, _, rest = variables["PATH"].partition(os.pathsep)
    assert (first, rest) == (str(machine / "own" / "bin"), os.environ["PATH"])
    assert Path(first, "pulumi").readlink() == parts.executables(*parts.ENGINE)["pulumi"]


def test_an_engine_of_the_user_keeps_its_own_plugins(machine: Path) -> None:
    assert Engine(engines.WANTED, built=False).variables(machine / "own") == {}
    assert not (machine / "own").exists()


@pytest.mark.parametrize(("minimum", "lacks"), [("4.29", True), ("4.25.1", True), ("4.25.0", False), ("4.9", False)])
def test_a_provider_lacks_what_came_after_it(minimum: str, *, lacks: bool) -> None:
    assert Engine("4.25.0", built=True).lacks(minimum) is lacks
