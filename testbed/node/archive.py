"""Docker archives (what `docker save` writes), read for the registry that nodes pull from."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A file of an archive, by the digest of its content."""

    digest: str
    size: int
    archive: Path
    member: str

    def blocks(self) -> Iterator[bytes]:
        """Its content, piece by piece."""
        with tarfile.open(self.archive) as tar, _open(tar, self.member) as source:
            while block := source.read(_BLOCK):
                yield block


@dataclass(frozen=True)
class Image:
    """An image in an archive."""

    names: tuple[str, ...]
    config: Blob
    layers: tuple[Blob, ...]


def read(archive: Path) -> list[Image]:
    """The images of an archive, whose layers are plain tar files: their digests then stand in the configuration."""
    with tarfile.open(archive) as tar:
        with _open(tar, "manifest.json") as source:
            entries = json.load(source)
        return [_image(tar, archive, entry) for entry in entries]


def _image(tar: tarfile.TarFile, archive: Path, entry: dict[str, object]) -> Image:
    config = str(entry["Config"])
    with _open(tar, config) as source:
        content = source.read()
    digests = json.loads(content)["rootfs"]["diff_ids"]
    layers = [
        Blob(digest, tar.getmember(member).size, archive, member)
        for digest, member in zip(digests, cast("list[str]", entry["Layers"]), strict=True)
    ]
    names = tuple(cast("list[str]", entry["RepoTags"]))
    return Image(names, Blob(_digest(content), len(content), archive, config), tuple(layers))


def _open(tar: tarfile.TarFile, member: str) -> IO[bytes]:
    opened = tar.extractfile(member)
    if opened is None:
        raise tarfile.ReadError(f"{member} is no file")
    return opened


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
