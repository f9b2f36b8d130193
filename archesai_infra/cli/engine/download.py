"""Archives of Pulumi, compared before anything of them runs with the SHA-256 that their release publishes elsewhere.

Archives come from get.pulumi.com. The lists of digests are published with the releases on GitHub: of the engine,
Pulumi's workflow (.github/workflows/sign.yml) writes `pulumi-<version>-checksums.txt`. An archive that was changed in
only one of the two places is refused.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import requests

DOWNLOADS = "get.pulumi.com"
"""Where Pulumi publishes its engine and plugins."""
ARCHIVES = f"https://{DOWNLOADS}/releases/sdk"
RELEASES = "https://github.com/pulumi/pulumi/releases/download"
SECONDS = 30
"""Longest wait for a connection, and for each part of an answer."""
_BLOCK = 1 << 20
_PLATFORMS = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
    ("Darwin", "arm64"): "darwin-arm64",
}


class DownloadError(Exception):
    """An archive cannot be had, or is not what its release says; nothing was installed."""


def install(version: str, where: Path) -> None:
    """Install an engine of this version, as `bin/pulumi` below the directory. Raises DownloadError."""
    archive = f"pulumi-v{version}-{machine(_PLATFORMS)}.tar.gz"
    try:
        where.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=where) as directory:
            path = Path(directory) / archive
            fetch(f"{ARCHIVES}/{archive}", path, f"{RELEASES}/v{version}/pulumi-{version}-checksums.txt")
            _unpack(path, where / "bin")
    except (OSError, tarfile.TarError) as error:
        raise DownloadError(f"{archive} cannot be installed: {error}") from error


def machine(names: Mapping[tuple[str, str], str]) -> str:
    """How a project names this machine, by system and processor; raises DownloadError where it has no archive."""
    this = (platform.system(), platform.machine())
    if this not in names:
        raise DownloadError(f"there is no archive for {' '.join(this)} that can be compared")
    return names[this]


def fetch(url: str, path: Path, checksums: str) -> None:
    """Write an archive into a file and compare it with the digest that a list has under the file's name.

    Raises DownloadError where one of the two cannot be had or they differ; the file is then not to be used.
    """
    wanted = _published(checksums, path.name)
    found = _write(url, path)
    if found != wanted:
        raise DownloadError(f"{path.name} has SHA-256 {found}, and its release publishes {wanted}")


def _published(url: str, archive: str) -> str:
    """The digest of an archive in a release's list, whose lines are those of sha256sum."""
    try:
        response = requests.get(url, timeout=SECONDS)
        response.raise_for_status()
    except requests.RequestException as error:
        raise DownloadError(f"{url} cannot be read: {error}") from error
    for line in response.text.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip(" *") == archive:
            return digest
    raise DownloadError(f"{url} does not name {archive}")


def _write(url: str, path: Path) -> str:
    """Write what is at an address into a file; its SHA-256."""
    digest = hashlib.sha256()
    try:
        with requests.get(url, timeout=SECONDS, stream=True) as response, path.open("wb") as file:
            response.raise_for_status()
            for block in response.iter_content(_BLOCK):
                digest.update(block)
                file.write(block)
    except requests.RequestException as error:
        raise DownloadError(f"{url} cannot be fetched: {error}") from error
    return digest.hexdigest()


def _unpack(archive: Path, where: Path) -> None:
    """Put the files of the archive's one directory, `pulumi`, into the place of a directory."""
    unpacked = archive.parent / "unpacked"
    with tarfile.open(archive) as file:
        for member in file:
            parts = PurePosixPath(member.name).parts
            content = file.extractfile(member) if member.isfile() else None
            if content is None or parts[0] != "pulumi" or ".." in parts:
                continue
            path = unpacked.joinpath(*parts[1:])
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                shutil.copyfileobj(content, target)
            path.chmod(0o755)
    if where.exists():
        shutil.rmtree(where)
    unpacked.rename(where)
