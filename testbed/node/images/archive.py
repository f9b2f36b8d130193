"""Docker archives: a root file system and its configuration as the tar file that registries and `ctr` import."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Run:
    """How a container of an image starts and stops, where the manifest says nothing else."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=dict[str, str])
    stop_signal: str = "SIGTERM"

    def config(self) -> dict[str, object]:
        """The `config` object of an image."""
        return {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "WorkingDir": self.directory,
            "Env": [f"{name}={value}" for name, value in ({"PATH": _PATH} | self.environment).items()],
            "StopSignal": self.stop_signal,
        }


def write(root: Path, run: Run, tags: Sequence[str], archive: Path) -> None:
    """Write an image of one layer; the same tree always gives the same layer."""
    layer = archive.with_suffix(".layer")
    _pack(root, layer)
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    described = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": run.config(),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config = f"{hashlib.sha256(described).hexdigest()}.json"
    manifest = json.dumps([{"Config": config, "RepoTags": list(tags), "Layers": [f"{digest}.tar"]}]).encode()
    with tarfile.open(archive, "w") as tar:
        for name, content in (("manifest.json", manifest), (config, described)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.add(layer, f"{digest}.tar")
    layer.unlink()


def tags(archive: Path) -> list[str]:
    """The names of an image, read from its archive."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        if manifest is None:
            raise ValueError(f"{archive}: manifest.json is not a file")
        (image,) = json.load(manifest)
    return image["RepoTags"]


def _pack(root: Path, layer: Path) -> None:
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, str(path.relative_to(root)), recursive=False, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member
