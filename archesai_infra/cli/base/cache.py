"""A user's cache of JSON documents: it saves time only, so a command works the same without it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

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
            with NamedTemporaryFile("w", dir=self._directory, encoding="utf-8", delete=False) as file:
                temporary = Path(file.name)
                try:
                    json.dump(document, file)
                    file.flush()
                    temporary.replace(self._path(key))
                except BaseException:
                    temporary.unlink(missing_ok=True)
                    raise
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        kept = sorted(self._directory.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[LIMIT:]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.json"


def _base() -> Path:
    """The user's directory for caches; below `/dev/null`, where nothing can be kept, for a user without a home."""
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(given) if given else Path.home() / ".cache"
    except RuntimeError:
        return Path(os.devnull)
