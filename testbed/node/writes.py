"""Writes from the api's pod while something happens to a server: what was acknowledged, what is missing afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep
from typing import Literal

from testbed.node.stack import NodeStack

Store = Literal["database", "redis", "storage"]

BEFORE_SECONDS = 5.0
"""How long writes go on before something happens."""
SETTLE_SECONDS = 3.0
"""How long they go on after they succeed again."""


@dataclass(frozen=True)
class Writes:
    """What the writer saw; times are in seconds."""

    acknowledged: int
    missing: int
    """Acknowledged writes that the server does not have at the end."""
    failed: int
    error: str
    """Of the first write that failed."""
    outage: float
    """Longest time without an acknowledged write."""
    missing_age: float
    """Age of the oldest missing write when that time began."""


_WRITERS: dict[Store, int] = {"database": 4, "redis": 4, "storage": 1}
"""An object takes a page of its own at least, so that more writers would fill a small volume by themselves."""


def during(stack: NodeStack, store: Store, happen: Callable[[], None], *, seconds: float = 180) -> Writes:
    """Write, let something happen, and go on until writes succeed again or the time is over."""
    pod = stack.pod("api")["metadata"]["name"]
    workers = f"-workers={_WRITERS[store]}"
    command = ["archesai", "write", f"-seconds={seconds}", f"-settle={SETTLE_SECONDS}s", workers, store]
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(stack.cluster.exec, stack.namespace, pod, *command, seconds=seconds + 120)
        sleep(BEFORE_SECONDS)
        happen()
        done = writer.result()
    assert done.returncode == 0, f"write {store}: {done.stderr or done.stdout}"
    return Writes(**json.loads(done.stdout))
