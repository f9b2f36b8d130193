"""The engine is fetched from made-up places: an archive, and the list of digests of its release."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Generator
from pathlib import Path

import pytest

from archesai_infra.cli.engine import download
from archesai_infra.cli.engine.download import DownloadError, install
from archesai_infra.cli.engine.engine import NoEngineError, obtain
from testbed.cli.places import served

VERSION = "3.1.4"
ARCHIVE = f"pulumi-v{VERSION}-linux-x64.tar.gz"
FILES = {"pulumi/pulumi": f"#!/bin/sh\necho v{VERSION}\n", "pulumi/pulumi-language-python": "#!/bin/sh\n"}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A directory that is served as both places."""
    where = tmp_path / "served"
    (where / "archives").mkdir(parents=True)
    (where / "releases" / f"v{VERSION}").mkdir(parents=True)
    monkeypatch.setattr(download.platform, "system", lambda: "Linux")
    monkeypatch.setattr(download.platform, "machine", lambda: "x86_64")
    with served(where) as address:
        monkeypatch.setattr(download, "ARCHIVES", f"{address}/archives")
        monkeypatch.setattr(download, "RELEASES", f"{address}/releases")
        yield where


def _publish(places: Path, files: dict[str, str], *, change: bytes = b"") -> None:
    """An archive with files, with bytes behind it that the release's list does not know."""
    archive = places / "archives" / ARCHIVE
    with tarfile.open(archive, "w:gz") as file:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            file.addfile(member, io.BytesIO(text.encode()))
    lines = f"{'0' * 64}  pulumi-v{VERSION}-linux-arm64.tar.gz\n{_sha256(archive)}  {ARCHIVE}\n"
    (places / "releases" / f"v{VERSION}" / f"pulumi-{VERSION}-checksums.txt").write_text(lines, encoding="utf-8")
    archive.write_bytes(archive.read_bytes() + change)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_that_is_what_its_release_says_is_installed(places: Path, tmp_path: Path) -> None:
    _publish(places, FILES)
    where = tmp_path / "state" / "pulumi"
    install(VERSION, where)
    assert subprocess.run([where / "bin" / "pulumi"], capture_output=True, text=True, check=True).stdout == "v3.1.4\n"
    assert sorted(path.name for path in where.rglob("*")) == ["bin", "pulumi", "pulumi-language-python"]


def test_a_changed_byte_is_refused_and_nothing_is_installed(places: Path, tmp_path: Path) -> None:
    _publish(places, FILES, change=b"\0")
    found = _sha256(places / "archives" / ARCHIVE)
    with pytest.raises(DownloadError, match=f"{ARCHIVE} has SHA-256 {found}, and its release publishes [0-9a-f]{{64}}"):
        install(VERSION, tmp_path / "pulumi")
    assert list((tmp_path / "pulumi").iterdir()) == []


def test_an_archive_that_the_release_does_not_name_is_refused(places: Path, tmp_path: Path) -> None:
    _publish(places, FILES)
    (places / "releases" / f"v{VERSION}" / f"pulumi-{VERSION}-checksums.txt").write_text("", encoding="utf-8")
    with pytest.raises(DownloadError, match=rf"checksums\.txt does not name {ARCHIVE}"):
        install(VERSION, tmp_path / "pulumi")


@pytest.mark.parametrize("missing", ["archives", "releases"])
def test_a_place_that_has_no_such_version_is_named(places: Path, tmp_path: Path, missing: str) -> None:
    _publish(places, FILES)
    (places / missing).rename(places / "gone")
    with pytest.raises(DownloadError, match=rf"/{missing}/.* cannot be (read|fetched): 404"):
        install(VERSION, tmp_path / "pulumi")


def test_a_machine_without_an_archive_is_told_so(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _publish(places, FILES)
    monkeypatch.setattr(download.platform, "machine", lambda: "riscv64")
    with pytest.raises(DownloadError, match="there is no archive for Linux riscv64 that can be compared"):
        install(VERSION, tmp_path / "pulumi")


def test_no_file_leaves_the_directory_of_the_engine(places: Path, tmp_path: Path) -> None:
    _publish(places, FILES | {"pulumi/../../../escaped": "x", "elsewhere": "x"})
    where = tmp_path / "state" / "pulumi"
    install(VERSION, where)
    assert sorted(path.name for path in (tmp_path / "state").rglob("*")) == [
        "bin",
        "pulumi",
        "pulumi",
        "pulumi-language-python",
    ]
    assert not (tmp_path / "escaped").exists()


def test_a_broken_installation_is_replaced(places: Path, tmp_path: Path) -> None:
    _publish(places, FILES)
    (tmp_path / "pulumi" / "bin").mkdir(parents=True)
    (tmp_path / "pulumi" / "bin" / "old").touch()
    install(VERSION, tmp_path / "pulumi")
    assert not (tmp_path / "pulumi" / "bin" / "old").exists()


def test_who_needs_an_engine_is_told_of_the_refusal_and_of_the_way_by_hand(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(places, FILES, change=b"\0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("archesai_infra.cli.engine.engine.wanted", lambda: VERSION)
    monkeypatch.setattr("archesai_infra.cli.engine.engine._reachable", lambda: True)
    with pytest.raises(NoEngineError, match=r"was not installed: .* has SHA-256 .*; docs/security\.md, Check what"):
        obtain(tmp_path)
