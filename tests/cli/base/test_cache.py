from __future__ import annotations

import os
from pathlib import Path

import pytest

from archesai_infra.cli.base.cache import LIMIT, Cache

DOCUMENT = {"a": [1, 2.5, None], "b": {"c": "<secret>"}}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def _files(base: Path) -> list[Path]:
    return [path for path in base.rglob("*") if path.is_file()]


def test_a_document_comes_back_as_it_was_and_only_its_owner_reads_it(base: Path) -> None:
    Cache("things").put("key", DOCUMENT)
    assert Cache("things").get("key") == DOCUMENT
    assert Cache("things").get("another") is None
    assert [path.stat().st_mode & 0o077 for path in _files(base)] == [0]


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe", b"<html>"])
def test_a_file_that_is_no_json_counts_as_none_and_is_replaced(base: Path, content: bytes) -> None:
    Cache("things").put("key", DOCUMENT)
    (damaged,) = _files(base)
    damaged.write_bytes(content)
    assert Cache("things").get("key") is None
    Cache("things").put("key", DOCUMENT)
    assert Cache("things").get("key") == DOCUMENT


def test_a_document_that_cannot_be_written_leaves_nothing_behind(base: Path) -> None:
    with pytest.raises(TypeError):
        Cache("things").put("key", object())
    assert _files(base) == []


@pytest.mark.parametrize("given", ["/dev/null", "/proc/nowhere"])
def test_a_place_that_takes_no_file_is_an_empty_cache(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    Cache("things").put("key", DOCUMENT)
    assert Cache("things").get("key") is None


def test_the_oldest_documents_go_first(base: Path) -> None:
    for number in range(LIMIT + 3):
        Cache("things").put(str(number), number)
        for path in _files(base):
            os.utime(path, (int(path.stem), int(path.stem)))
    assert sorted(int(path.stem) for path in _files(base)) == list(range(3, LIMIT + 3))
