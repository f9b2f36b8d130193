"""Registries on loopback: crane's, with images and charts of a test's own, and one that wants a login."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.controlplane.waiting import wait_for

SECONDS = 30


class Registry:
    """A registry of crane's, which keeps what is pushed in memory."""

    def __init__(self, crane: Path, directory: Path, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self._crane = crane
        self._directory = directory

    def crane(self, *arguments: str) -> str:
        """What crane prints; raises CalledProcessError."""
        done = subprocess.run([self._crane, *arguments], capture_output=True, text=True, check=True, timeout=SECONDS)
        return done.stdout.strip()

    def push(self, name: str) -> str:
        """Push an image whose content is its name; its reference without the digest, which is returned."""
        layer = self._directory / "layer.tar"
        (self._directory / "name").write_text(name, encoding="utf-8")
        with tarfile.open(layer, "w") as archive:
            archive.add(self._directory / "name", "name")
        self.crane("append", "--new_tag", f"{self.host}/{name}", "--new_layer", str(layer))
        return self.crane("digest", f"{self.host}/{name}")


@contextmanager
def registry(crane: Path, directory: Path) -> Generator[Registry]:
    """A running registry."""
    (port,) = free_ports(1)
    processes = Processes(directory / "processes")
    found = Registry(crane, directory, port)
    try:
        processes.start("registry", [crane, "registry", "serve", "--address", found.host])

        def lack() -> list[str]:
            processes.check()
            try:
                found.crane("catalog", found.host)
            except subprocess.CalledProcessError as error:
                return [error.stderr]
            return []

        wait_for("crane's registry answers", lack, seconds=SECONDS)
        yield found
    finally:
        processes.close()


MANIFEST = b'{"schemaVersion": 2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
USER, PASSWORD = "reader", "not-a-real-password"


class _Guarded(BaseHTTPRequestHandler):
    """Manifests for those with a token, and tokens for those with the login; leaves the digest to the client.

    Follows the distribution specification and its token authentication as far as a pull of a manifest goes.
    """

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/token":
            given = self.headers.get("Authorization", "")
            known = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
            scope = parse_qs(parts.query).get("scope")
            right = given == known and scope == ["repository:team/private:pull"]
            self._answer(HTTPStatus.OK if right else HTTPStatus.UNAUTHORIZED, b'{"token": "granted"}')
        elif self.headers.get("Authorization") == "Bearer granted":
            self._answer(HTTPStatus.OK, MANIFEST)
        else:
            self._answer(HTTPStatus.UNAUTHORIZED, b"")

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            realm = f"http://{self.headers['Host']}/token"
            challenge = f'Bearer realm="{realm}",service="test",scope="repository:team/private:pull"'
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def guarded_registry() -> Generator[str]:
    """Host of a registry that gives nothing without a login."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Guarded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
