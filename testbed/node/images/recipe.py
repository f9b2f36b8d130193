"""What an image is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archesai_infra.versions import ImageVersion
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem

Programs = Mapping[str, Path]
"""Executables of built parts, by name."""


@dataclass(frozen=True)
class Recipe:
    """One image."""

    name: str
    """Of the archive."""
    tags: tuple[str, ...]
    """The names by which manifests ask for it."""
    fill: Callable[[Filesystem, Programs], None]
    """Puts everything into an empty root."""
    run: Run
    parts: tuple[str, ...] = ()
    """The parts whose programs it holds."""


def reference(version: ImageVersion) -> str:
    """The name that manifests use for an image which the stack does not override."""
    return f"{version.repository}:{version.tag}"


def local(name: str) -> str:
    """The name of an image that only tests use."""
    return f"local.test/{name}:1"
