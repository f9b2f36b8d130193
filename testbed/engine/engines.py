"""Which Pulumi engine tests run: the one on PATH, or the one built from pinned Go modules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from testbed.programs import parts

NAME = "kubernetes"
WANTED = version("pulumi-kubernetes")
"""Version of the provider that the SDK asks for."""
_PLUGIN = f"pulumi-resource-{NAME}"


@dataclass(frozen=True)
class Engine:
    """An engine with a provider that the program can run with."""

    provider: str
    """Version of the provider's code."""
    built: bool
    """Whether it is the one from Go modules."""

    def variables(self, home: Path) -> Mapping[str, str]:
        """Environment of the engine's processes.

        Args:
            home: Made and filled for the built engine, whose plugins it holds; else untouched.
        """
        if not self.built:
            return {}
        executables = parts.executables(*parts.ENGINE)
        # The engine looks the plugin up under the version that the SDK asks for, and believes the directory's name.
        plugin = home / "plugins" / plugin_directory() / _PLUGIN
        plugin.parent.mkdir(parents=True)
        plugin.symlink_to(executables[_PLUGIN])
        # The Automation API knows an engine by the directory above its `bin`.
        programs = home / "bin"
        programs.mkdir()
        for name in ("pulumi", "pulumi-language-python"):
            (programs / name).symlink_to(executables[name])
        path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "PULUMI_HOME": str(home)}

    def lacks(self, minimum: str) -> bool:
        """Whether its provider is older than a version."""
        return _numbers(self.provider) < _numbers(minimum)


def find() -> Engine | None:
    """The engine that tests run, if there is one; starts and fetches nothing."""
    if on_path():
        return Engine(WANTED, built=False)
    return Engine(parts.PROVIDER_VERSION, built=True) if parts.built(*parts.ENGINE) else None


def on_path() -> bool:
    """Whether PATH has an engine whose provider is the one that the SDK asks for."""
    home = Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    return shutil.which("pulumi") is not None and (home / "plugins" / plugin_directory() / _PLUGIN).is_file()


def plugin_directory() -> str:
    """Name of the directory of the provider's plugin."""
    return f"resource-{NAME}-v{WANTED}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))
