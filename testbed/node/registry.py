"""A read-only image registry of docker archives on plain HTTP (the distribution API, as far as containerd pulls).

python -m testbed.node.registry ADDRESS PORT DIRECTORY...

containerd asks it as a mirror of every registry and says in `ns` which one the image belongs to. An image that is not
there is looked for again in the directories, so that archives may be added while it runs.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from testbed.node import archive
from testbed.node.archive import Blob, Image

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_UNKNOWN = b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}'


def full_name(name: str) -> str:
    """`redis:7` as `docker.io/library/redis:7`, the way containerd asks for it."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


class Images:
    """What the archives of some directories hold."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = directories
        self._read: dict[Path, int] = {}
        self._tags: dict[str, str] = {}
        self._manifests: dict[str, bytes] = {}
        self._blobs: dict[str, Blob] = {}
        self._lock = threading.Lock()

    def manifest(self, repository: str, reference: str) -> tuple[str, bytes] | None:
        """The digest and content of a manifest, by tag or digest."""
        with self._lock:
            if reference.startswith("sha256:"):
                digest: str | None = reference
            else:
                name = f"{repository}:{reference}"
                if name not in self._tags:
                    self._look()
                digest = self._tags.get(name)
            content = self._manifests.get(digest or "")
        return (digest, content) if digest and content else None

    def blob(self, digest: str) -> Blob | None:
        with self._lock:
            return self._blobs.get(digest)

    def _look(self) -> None:
        """Read the archives that are new or changed."""
        for path in sorted(path for directory in self._directories for path in directory.glob("*.tar")):
            changed = path.stat().st_mtime_ns
            if self._read.get(path) != changed:
                self._read[path] = changed
                for image in archive.read(path):
                    self._add(image)

    def _add(self, image: Image) -> None:
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, image.config),
            "layers": [_descriptor(_LAYER, layer) for layer in image.layers],
        }
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._manifests[digest] = content
        self._blobs |= {blob.digest: blob for blob in (image.config, *image.layers)}
        self._tags |= {full_name(name): digest for name in image.names}


def _descriptor(kind: str, blob: Blob) -> dict[str, object]:
    return {"mediaType": kind, "digest": blob.digest, "size": blob.size}


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of `/v2/`, manifests and blobs."""

    protocol_version = "HTTP/1.1"
    images: Images

    def do_GET(self) -> None:
        """Answer one request."""
        parts = urlsplit(self.path)
        words = parts.path.strip("/").split("/")
        if words == ["v2"]:
            self._answer(HTTPStatus.OK, "application/json", 2, [b"{}"])
            return
        name, kind, reference = "/".join(words[1:-2]), words[-2], words[-1]
        if kind == "manifests":
            host = parse_qs(parts.query).get("ns", ["docker.io"])[0]
            if found := self.images.manifest(f"{host}/{name}", reference):
                digest, content = found
                self._answer(HTTPStatus.OK, _MANIFEST, len(content), [content], digest)
                return
        elif blob := self.images.blob(reference):
            self._answer(HTTPStatus.OK, "application/octet-stream", blob.size, blob.blocks(), reference)
            return
        self._answer(HTTPStatus.NOT_FOUND, "application/json", len(_UNKNOWN), [_UNKNOWN])

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _answer(
        self, status: HTTPStatus, kind: str, size: int, content: Iterable[bytes], digest: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command == "GET":
            for block in content:
                self.wfile.write(block)


def main(arguments: Sequence[str]) -> None:
    """Serve until killed."""
    address, port, *directories = arguments
    Handler.images = Images([Path(directory) for directory in directories])
    ThreadingHTTPServer((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
