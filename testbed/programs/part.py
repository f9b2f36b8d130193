"""What a part is: files made once from a Go module that pins them, and kept in a cache outside the repository."""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

GO_DIRECTORY = Path(__file__).parent / "go"

OWN_VERSION = "0.0"
"""The version of programs that this repository itself holds; their content names their output."""

_BUILD_FLAGS = ("-trimpath", "-buildvcs=false")

Log = Callable[[str], None]


class UnknownPartError(ValueError):
    """A part or Kubernetes version was asked for that no Go module here pins."""


@dataclass(frozen=True)
class Part(ABC):
    """One directory below `go/` and what is made from the modules that its go.mod and go.sum pin."""

    name: str

    @property
    @abstractmethod
    def version(self) -> str:
        """The pinned version without its `v`."""

    @property
    @abstractmethod
    def recipe(self) -> tuple[str, ...]:
        """What decides the output besides go.mod and go.sum."""

    @property
    def directory(self) -> Path:
        return GO_DIRECTORY / self.name

    @cached_property
    def go_version(self) -> tuple[int, ...]:
        """The Go release the module needs at least."""
        line = re.search(r"^go (\S+)$", self.read("go.mod"), re.MULTILINE)
        return tuple(int(number) for number in line[1].split(".")) if line else ()

    @cached_property
    def output(self) -> Path:
        """Directory of the result; another pin, hash or recipe is another directory."""
        recipe = [self.read("go.mod"), self.read("go.sum"), *self.recipe]
        digest = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
        return cache_directory() / f"{self.name}-{self.version}-{digest}"

    @property
    def executables(self) -> dict[str, Path]:
        """Path of each executable by its name."""
        return {}

    @property
    def is_built(self) -> bool:
        """Whether the output is there; it appears whole or not at all, so its presence suffices."""
        return self.output.is_dir()

    def pinned(self, module: str) -> str:
        """Version of a required module without its `v`, read from go.mod so that it is stated once."""
        pin = re.search(rf"^\s*(?:require )?{re.escape(module)} v(\S+)", self.read("go.mod"), re.MULTILINE)
        if pin is None:
            raise UnknownPartError(f"{self.directory / 'go.mod'} does not require {module}")
        return pin[1]

    def read(self, name: str) -> str:
        """Text of go.mod or go.sum; a module that requires nothing has no sums."""
        path = self.directory / name
        return path.read_text(encoding="utf-8") if path.exists() or name != "go.sum" else ""


@dataclass(frozen=True)
class Program(Part):
    """Executables that are compiled."""

    source: str
    """The module whose required version is the part's version; empty for a program of this repository."""
    packages: Mapping[str, str]
    """Executable name to the Go package it is built from."""
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    """Linker variables, with `{version}`, `{major}` and `{minor}` filled in."""
    tags: tuple[str, ...] = ()
    """Build tags, which leave out what tests do not use."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Module to the path of a file in it that the executables read beside themselves."""

    @property
    def version(self) -> str:
        return self.pinned(self.source) if self.source else OWN_VERSION

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The arguments of `go build`; without stamps an API server calls itself v0.0.0 and Helm refuses its charts."""
        numbers = self.version.split(".")
        values = {"version": f"v{self.version}", "major": numbers[0], "minor": numbers[1]}
        stamps = [f"-X {variable}={value.format(**values)}" for variable, value in self.stamps.items()]
        tags = ("-tags", " ".join(self.tags)) if self.tags else ()
        return (*_BUILD_FLAGS, *tags, "-ldflags", " ".join(["-s -w", *stamps]))

    @property
    def recipe(self) -> tuple[str, ...]:
        files = [f"{module}/{path}" for module, path in sorted(self.files.items())]
        sources = [path.read_text(encoding="utf-8") for path in sorted(self.directory.rglob("*.go"))]
        return (repr(self.flags), repr(sorted(self.packages.items())), *files, *sources)

    @property
    def executables(self) -> dict[str, Path]:
        return {name: self.output / name for name in self.packages}


def cache_directory() -> Path:
    """The directory outside the repository that keeps built parts."""
    if chosen := os.environ.get("ARCHESAI_PARTS_DIR"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser().absolute() / "archesai-infra" / "parts"
