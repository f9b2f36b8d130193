"""A project directory of a test's own, where commands may write what they like."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from archesai_infra.stack.config import PROJECT
from testbed.stacks import ROOT, Config


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with `Pulumi.yaml` and the shipped stack files, which is also the working directory."""
    for source in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(source, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def set_keys(project: Path, config: Config) -> None:
    """Set keys of the stack file of development, without the project's name."""
    path = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"] |= {f"{PROJECT}:{key}": value for key, value in config.items()}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `pulumi` on PATH and no way to fetch one, as on a machine without network."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "nothing")]))
    monkeypatch.setattr("archesai_infra.cli.engine.engine.DOWNLOADS", "127.0.0.1.invalid")
