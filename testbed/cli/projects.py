"""A project directory of a test's own, where commands may write what they like."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from testbed.stacks import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with `Pulumi.yaml` and the shipped stack files, which is also the working directory."""
    for source in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(source, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `pulumi` on PATH and no way to fetch one, as on a machine without network."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "nothing")]))
    monkeypatch.setattr("archesai_infra.cli.engine.engine.DOWNLOADS", "127.0.0.1.invalid")
