"""Small servers in place of programs that cannot run here: pages of metrics that count on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROUTES = (("GET", "/users", "200"), ("POST", "/auth/login", "200"), ("POST", "/auth/register", "201"))
FAILURE = ("GET", "/pipelines", "500")
_BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")


class Api:
    """The metrics that the api's documentation names; each scrape sees more requests."""

    def __init__(self) -> None:
        self._scrapes = 0

    def metrics(self) -> str:
        """One page."""
        self._scrapes += 1
        lines: list[str] = []
        for method, route, status in (*ROUTES, FAILURE):
            labels = f'method="{method}",endpoint="{route}",status="{status}"'
            count = self._scrapes * (0.1 if status == "500" else 99)
            lines.append(f"http_requests_total{{{labels}}} {count}")
            lines += _histogram("http_request_duration_seconds", labels, count)
        lines += _histogram("db_query_duration_seconds", 'query_type="select"', self._scrapes)
        lines += ["process_resident_memory_bytes 5e7", "go_goroutines 42"]
        return "\n".join(lines) + "\n"


def _histogram(name: str, labels: str, count: float) -> list[str]:
    """Every answer within half a second."""
    buckets = [
        f'{name}_bucket{{{labels},le="{bound}"}} {count if bound == "+Inf" or float(bound) >= 0.5 else 0}'
        for bound in _BOUNDS
    ]
    return [*buckets, f"{name}_sum{{{labels}}} {count * 0.3}", f"{name}_count{{{labels}}} {count}"]


@contextmanager
def serving(page: Callable[[], str]) -> Generator[int]:
    """A loopback server that answers every GET with the page; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - the base class's signature
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
