"""The project as the engine runs it: a copy, so that stack files and salts of tests never touch the checkout."""

from __future__ import annotations

import compileall
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from archesai_infra.stack.config import PROJECT
from testbed.stacks import ROOT, Config

_LINKED = ("__main__.py", "archesai_infra", "policy", ".venv")


def snapshot(directory: Path) -> Path:
    """The program as it is now: a change of the sources while tests run must not look like a change of a stack."""
    directory.mkdir(parents=True)
    for package in ("archesai_infra", "policy"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    # As after a first run: a program that is compiled each time is a second slower.
    compileall.compile_dir(directory, quiet=1)
    for path in (ROOT / "__main__.py", ROOT / "Pulumi.yaml", *ROOT.glob("Pulumi.*.yaml")):
        shutil.copy(path, directory)
    # Only the virtual environment of the checkout: pip's toolchain runs what is in it.
    (directory / ".venv").symlink_to(_environment(), target_is_directory=True)
    return directory


def _environment() -> Path:

    return Path(sys.prefix)


def project(source: Path, directory: Path) -> Path:
    """A project directory of a stack's own around the program that `source` holds."""
    directory.mkdir(parents=True)
    for name in _LINKED:
        (directory / name).symlink_to((source / name).resolve())
    for path in source.glob("Pulumi*.yaml"):
        shutil.copy(path, directory)
    return directory


def write_config(directory: Path, stack: str, config: Config) -> None:
    """Set a stack file's whole configuration; salt and encrypted values stay."""
    path = directory / f"Pulumi.{stack}.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    before: dict[str, Any] = document.get("config", {})
    kept = {key: value for key, value in before.items() if isinstance(value, dict) and set(value) == {"secure"}}
    document["config"] = kept | {f"{PROJECT}:{key}": value for key, value in config.items()}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
