"""A user's cache of JSON documents: it saves time only, so a command works the same without it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from archesai_infra.cli.base.files import home, put

LIMIT = 20
"""Documents that are kept; the oldest go first."""


class Cache:
    """Documents by key, in `$XDG_CACHE_HOME/archesai-infra`; readable by their owner only.

    A directory that cannot be written, and a file that is no JSON, count as an empty cache.
    """

    def __init__(self, name: str) -> None:
        self._directory = _base() / "archesai-infra" / name

    def get(self, key: str) -> object:
        """The document of a key; None where there is none."""
        try:
            return json.loads(self._path(key).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, key: str, document: object) -> None:
        """Keep a document: written beside its place and moved there, so that no reader sees half of it."""
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            put(self._path(key), json.dumps(document).encode(), 0o600)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        kept = sorted(self._directory.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[LIMIT:]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.json"


def _base() -> Path:
    """The user's directory for caches."""
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else home() / ".cache"
