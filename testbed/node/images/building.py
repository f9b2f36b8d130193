"""Making images: each once, in a temporary directory, with progress for whoever reads the log."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from testbed.node.images import archive, catalogue
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Recipe
from testbed.programs import building
from testbed.programs.locking import locked, whole_directory
from testbed.programs.part import Log


def ensure(log: Log, *names: str) -> Path:
    """Make what is missing of these images (none named: all) and return a directory with one docker archive of each.

    Raises UnknownImageError, PackageError where a package cannot be had, and what building a part raises.
    """
    wanted = catalogue.recipes(*names)
    archives = {recipe.name: catalogue.stored(recipe) for recipe in wanted}
    for recipe in wanted:
        _make(recipe, archives[recipe.name], log)
    content = "\0".join(sorted(path.name for path in archives.values()))
    target = catalogue.directory() / f"set-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    with locked(target, log):
        if not target.is_dir():
            with whole_directory(target) as unfinished:
                for name, path in archives.items():
                    os.link(path, unfinished / f"{name}.tar")
    return target


def missing(*names: str) -> list[str]:
    """The names of those images that are not made yet; makes nothing."""
    return [recipe.name for recipe in catalogue.recipes(*names) if not catalogue.stored(recipe).exists()]


def _make(recipe: Recipe, target: Path, log: Log) -> None:
    if target.exists():
        return
    programs = building.ensure(*recipe.parts, log=log) if recipe.parts else {}
    with locked(target, log):
        if target.exists():
            return
        start = time.monotonic()
        workshop = Path(tempfile.mkdtemp(prefix=f"{target.name}.part-", dir=target.parent))
        try:
            root = workshop / "root"
            root.mkdir()
            recipe.fill(Filesystem(root, log), programs)
            archive.write(root, recipe.run, recipe.tags, workshop / "image.tar")
            (workshop / "image.tar").rename(target)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
        size = target.stat().st_size / 2**20
        log(f"image {recipe.name}: {size:.0f} MiB, {time.monotonic() - start:.1f} s")
