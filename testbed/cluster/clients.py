"""Clients that go on asking for the hosts of a stack while the controllers in front of it change."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from testbed.cluster.backend import PIECES
from testbed.cluster.traefik import CLIENTS, Front

PAUSE_SECONDS = 0.01
WAIT_SECONDS = 60
BODY = bytes(100_000)


class Clients:
    """A few clients, each request of whom goes over a connection of its own to one of the controllers in service."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        """What became of each request that was not answered as it should."""
        self._changed = threading.Condition()
        self._fronts: tuple[Front, ...] = ()
        self._asked: Counter[str] = Counter()
        """How many requests began, by the controller's address."""
        self._answered: Counter[str] = Counter()
        self._ended = threading.Event()
        ways = (_page, _page, _stream, _upload)
        self._threads = [threading.Thread(target=self._ask, args=(way,), daemon=True) for way in ways]

    def start(self, front: Front) -> None:
        """Have them ask until they are closed, at first this controller."""
        self.lead_to(front)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Let the last requests end."""
        self._ended.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(WAIT_SECONDS)

    def lead_to(self, *fronts: Front) -> None:
        """Put these controllers in service, as the endpoints of a Service do."""
        with self._changed:
            self._fronts = fronts

    def wait_answered(self, front: Front, count: int) -> None:
        """Wait until this controller has answered so many more requests."""
        aim = self._answered[front.address] + count
        self._wait(lambda: self._answered[front.address] >= aim, f"{count} answers of {front.address}")

    def wait_idle(self, front: Front) -> None:
        """Wait until each request to a controller that is not in service any more has ended."""
        address = front.address
        self._wait(lambda: self._asked[address] == self._answered[address], f"the last answer of {address}")

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(reached, WAIT_SECONDS):
                raise TimeoutError(f"{what}: not after {WAIT_SECONDS} s; failed: {self.failed}")

    def _ask(self, way: Callable[[Front], str | None]) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            with self._changed:
                front = self._fronts[self._asked.total() % len(self._fronts)]
                self._asked[front.address] += 1
            try:
                problem = way(front)
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
            with self._changed:
                self._answered[front.address] += 1
                self.failed += [f"{way.__name__} by {front.address}: {problem}"] if problem else []
                self._changed.notify_all()


def _page(front: Front) -> str | None:
    status = front.get("platform")
    return None if status == 200 else f"status {status}"


def _stream(front: Front) -> str | None:
    """An answer that takes a while."""
    return _exchange(front, "api", "GET", "/stream", b"piece" * PIECES)


def _upload(front: Front) -> str | None:
    return _exchange(front, "platform", "POST", "/upload", str(len(BODY)).encode(), BODY)


def _exchange(
    front: Front, module: str, method: str, path: str, wanted: bytes, body: bytes | None = None
) -> str | None:
    with closing(front.connect(module, CLIENTS[1])) as connection:
        connection.request(method, path, body, {"Host": front.host(module)})
        answer = connection.getresponse()
        text = answer.read()
        return None if (answer.status, text) == (200, wanted) else f"status {answer.status}: {text[:80]!r}"
