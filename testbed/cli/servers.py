"""Kubeconfigs and servers that are not what they should be."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

UNUSED = "http://127.0.0.1:1"
"""An address on which nothing listens."""


def kubeconfig(path: Path, server: str = UNUSED, *, user: dict[str, Any] | None = None, **cluster: object) -> Path:
    """A kubeconfig with one context, `here`."""
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@contextmanager
def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> Generator[str]:
    """The address of a server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            # The base class looks for a method for each kind of request, such as `do_GET`.
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def answer(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def talking(first: bytes = b"", *, closes: bool = False) -> Generator[str]:
    """The address of a server that says something that is no HTTP, and then closes the connection or goes silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                opened.append(connection)
                # The other side may have given up already.
                with suppress(OSError):
                    connection.sendall(first)
                if closes:
                    connection.close()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()
        for connection in opened:
            connection.close()
