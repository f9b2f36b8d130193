"""A server behind the ingress controller: it takes bodies, answers in pieces and holds WebSockets open."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PIECES = 4
PIECE_SECONDS = 0.5
"""Time between two pieces of an answer."""
_WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What RFC 6455, section 1.3, has a server add to the client's key."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """`/stream` in pieces, `/socket` as a WebSocket that echoes, everything else the server's port."""
        if self.path == "/stream":
            self._stream()
        elif self.path == "/socket":
            self._socket()
        else:
            self._answer(str(self.connection.getsockname()[1]).encode())

    def do_POST(self) -> None:
        """The number of bytes that came."""
        rest = int(self.headers["Content-Length"])
        received = 0
        while received < rest:
            received += len(self.rfile.read1(min(65536, rest - received)))
        self._answer(str(received).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at answers."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(PIECES):
            time.sleep(PIECE_SECONDS if number else 0)
            self.wfile.write(b"5\r\npiece\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _socket(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_KEY
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())  # noqa: S324 - RFC 6455
        self.end_headers()
        while received := self.connection.recv(4096):
            self.connection.sendall(received)


@contextmanager
def backend(address: str, port: int) -> Generator[None]:
    """Serve on an address until the end of the block."""
    server = ThreadingHTTPServer((address, port), _Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
