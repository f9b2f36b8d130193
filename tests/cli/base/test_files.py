from __future__ import annotations

import os
from pathlib import Path

import pytest

from archesai_infra.cli.base import files
from testbed.cli.worlds import room_for

LARGE = b"x" * 5000


def test_a_new_file_that_does_not_fit_is_not_there(tmp_path: Path) -> None:
    for write in (files.create, files.put):
        with room_for(1000), pytest.raises(OSError, match="new"):
            write(tmp_path / "new", LARGE)
        assert list(tmp_path.iterdir()) == []


def test_a_file_whose_new_content_does_not_fit_keeps_its_own(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    for write in (files.replace, files.put):
        with room_for(1000), pytest.raises(OSError, match="file"):
            write(file, LARGE)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


def test_a_file_that_is_there_is_not_created(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        files.create(file, b"")
    assert file.read_bytes() == b"mine"


def test_new_content_keeps_the_mode_and_the_link_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    files.replace(tmp_path / "link", b"new")
    assert ((tmp_path / "file").read_bytes(), (tmp_path / "link").is_symlink()) == (b"new", True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_file_is_put_in_the_place_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    umask = os.umask(0o022)
    try:
        files.put(tmp_path / "link", b"new", 0o644)
    finally:
        os.umask(umask)
    assert ((tmp_path / "file").read_bytes(), (tmp_path / "link").read_bytes()) == (b"old", b"new")
    assert (tmp_path / "link").lstat().st_mode & 0o777 == 0o644
