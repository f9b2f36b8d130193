"""The engine's archive, compared before anything of it runs with the SHA-256 that its release publishes elsewhere.

Pulumi's workflow (.github/workflows/sign.yml) writes `pulumi-<version>-checksums.txt`, which is published with the
release on GitHub; archives come from get.pulumi.com. An archive that was changed in only one of the two places is
refused.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import requests

DOWNLOADS = "get.pulumi.com"
"""Where Pulumi publishes its engine."""
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
    """The engine cannot be had, or is not what its release says; nothing was installed."""


def install(version: str, where: Path) -> None:
    """Install an engine of this version, as `bin/pulumi` below the directory. Raises DownloadError."""
    archive = _archive(version)
    wanted = _published(version, archive)
    try:
        where.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=where) as directory:
            path = Path(directory) / archive
            found = _fetch(f"{ARCHIVES}/{archive}", path)
            if found != wanted:
                raise DownloadError(f"{archive} has SHA-256 {found}, and its release publishes {wanted}")
            _unpack(path, where / "bin")
    except (OSError, tarfile.TarError) as error:
        raise DownloadError(f"{archive} cannot be installed: {error}") from error


def _archive(version: str) -> str:
    machine = (platform.system(), platform.machine())
    if machine not in _PLATFORMS:
        raise DownloadError(f"there is no archive for {' '.join(machine)} that can be compared")
    return f"pulumi-v{version}-{_PLATFORMS[machine]}.tar.gz"


def _published(version: str, archive: str) -> str:
    """The digest in the release's list, whose lines are those of sha256sum."""
    url = f"{RELEASES}/v{version}/pulumi-{version}-checksums.txt"
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


def _fetch(url: str, path: Path) -> str:
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
