"""Docker archives (what `docker save` writes): reading them for the registry, writing those of one file."""

from __future__ import annotations

import hashlib
import io
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


def write_program(archive: Path, name: str, program: Path, *, user: str) -> None:
    """An image of one static program, at `/<its name>`, that may write to /tmp."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        scratch = tarfile.TarInfo("tmp")
        scratch.type, scratch.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(scratch)
        _add(tar, program.name, program.read_bytes(), mode=0o755)
    content = layer.getvalue()
    described = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": user},
        "rootfs": {"type": "layers", "diff_ids": [_digest(content)]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "manifest.json", json.dumps(manifest).encode())
        _add(tar, "config.json", json.dumps(described).encode())
        _add(tar, "layer.tar", content)


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


def _add(tar: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def _open(tar: tarfile.TarFile, member: str) -> IO[bytes]:
    opened = tar.extractfile(member)
    if opened is None:
        raise tarfile.ReadError(f"{member} is no file")
    return opened


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
