"""Every image, and where its archive is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from testbed.node.images import applications, caches, observers, postgres, storage
from testbed.node.images.packages import release
from testbed.node.images.recipe import Recipe
from testbed.programs import parts
from testbed.programs.part import cache_directory

_SOURCES = ("*.py", "*.txt", "files/*", "npm/*")


class UnknownImageError(ValueError):
    """An image was asked for that no recipe here makes."""


def recipes(*names: str) -> list[Recipe]:
    """The recipes of these names, or all; raises UnknownImageError."""
    known = {
        recipe.name: recipe
        for module in (postgres, caches, storage, applications, observers)
        for recipe in module.RECIPES
    }
    if unknown := sorted(set(names) - set(known)):
        raise UnknownImageError(f"no image is called {', '.join(unknown)}; known images: {', '.join(sorted(known))}")
    return [known[name] for name in names or known]


def stored(recipe: Recipe) -> Path:
    """The archive of a recipe as it is now: another source, tag, part or distribution is another file."""
    ingredients = [
        _sources(),
        release(),
        *recipe.tags,
        *(str(part.output.name) for part in (parts.select(*recipe.parts) if recipe.parts else [])),
    ]
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:16]
    return directory() / "stored" / f"{recipe.name}-{digest}.tar"


def directory() -> Path:
    """The directory that keeps images."""
    return cache_directory() / "images"


def _sources() -> str:
    here = Path(__file__).parent
    files = sorted(path for pattern in _SOURCES for path in here.glob(pattern) if path.is_file())
    return "\0".join(path.read_text(encoding="utf-8") for path in files)
