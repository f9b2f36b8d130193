"""The registry that nodes pull from, as containerd asks it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3

from testbed.node import own_images, registry


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "server"
    path.write_bytes(b"a program" * 500_000)
    return path


@pytest.fixture
def address(tmp_path: Path) -> Generator[str]:
    """A registry of one directory, empty at first."""
    (tmp_path / "images").mkdir()
    handler = type("Handler", (registry.Handler,), {"images": registry.Images([tmp_path / "images"])})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v2"
        server.shutdown()


def get(address: str, method: str = "GET") -> tuple[bytes, str]:
    """Content and digest, which is empty where nothing was found."""
    answer = urllib3.request(method, address, timeout=10)
    return answer.data, answer.headers["Docker-Content-Digest"] if answer.status == HTTPStatus.OK else ""


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("local.test/server:1", "local.test/server:1"),
        ("quay.io/minio/minio:a", "quay.io/minio/minio:a"),
        ("redis:7", "docker.io/library/redis:7"),
        ("archesai/api:latest", "docker.io/archesai/api:latest"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
    ],
)
def test_a_short_name_means_what_container_runtimes_take_it_for(name: str, asked: str) -> None:
    assert registry.full_name(name) == asked


def test_an_image_is_pulled_by_tag_then_by_the_digests_in_its_manifest(
    address: str, program: Path, tmp_path: Path
) -> None:
    own_images.write_program(tmp_path / "images/server.tar", "archesai/server:1", program, user="1000")
    content, digest = get(f"{address}/archesai/server/manifests/1?ns=docker.io")
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert get(f"{address}/archesai/server/manifests/{digest}?ns=docker.io")[0] == content
    manifest = json.loads(content)
    for blob in (manifest["config"], *manifest["layers"]):
        held, _ = get(f"{address}/archesai/server/blobs/{blob['digest']}?ns=docker.io")
        assert (len(held), f"sha256:{hashlib.sha256(held).hexdigest()}") == (blob["size"], blob["digest"])


def test_a_question_for_the_head_alone_has_no_content(address: str, program: Path, tmp_path: Path) -> None:
    own_images.write_program(tmp_path / "images/server.tar", "local.test/server:1", program, user="1000")
    content, digest = get(f"{address}/server/manifests/1?ns=local.test", "HEAD")
    assert (content, digest[:7]) == (b"", "sha256:")


def test_an_archive_that_comes_later_is_found(address: str, program: Path, tmp_path: Path) -> None:
    assert get(f"{address}/server/manifests/1?ns=local.test")[1] == ""
    own_images.write_program(tmp_path / "images/server.tar", "local.test/server:1", program, user="1000")
    _, digest = get(f"{address}/server/manifests/1?ns=local.test")
    assert digest


def test_the_same_name_at_another_registry_is_another_image(address: str, program: Path, tmp_path: Path) -> None:
    own_images.write_program(tmp_path / "images/server.tar", "local.test/server:1", program, user="1000")
    assert get(f"{address}/server/manifests/1?ns=docker.io")[1] == ""
