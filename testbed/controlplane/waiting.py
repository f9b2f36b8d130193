"""Waiting with a bound, and a message that says what did not come about and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from testbed.controlplane.api import Api, Object, label
from testbed.controlplane.explaining import explain
from testbed.controlplane.readiness import lack

INTERVAL_SECONDS = 0.1

Probe = Callable[[], Sequence[str]]
"""What is still missing, each as a line; empty when there is nothing left to wait for."""


class WaitTimeoutError(AssertionError):
    """What was waited for did not come about in time."""


def wait_for(what: str, probe: Probe, *, seconds: float, details: Probe | None = None) -> None:
    """Ask again and again until the probe has nothing to say."""
    deadline = time.monotonic() + seconds
    while problems := probe():
        if time.monotonic() > deadline:
            lines = [*problems, *(details() if details else ())]
            raise WaitTimeoutError("\n".join([f"{what}: not so after {seconds:g} s", *(f"- {line}" for line in lines)]))
        time.sleep(INTERVAL_SECONDS)


def wait_ready(api: Api, items: Iterable[Object], *, seconds: float) -> list[Object]:
    """Wait until each of these objects is ready, and return them as they are then."""
    latest: dict[str, Object | None] = {}
    wanted = list(items)

    def probe() -> list[str]:
        latest.update({api.path_of(item): api.read(item) for item in wanted})
        return [f"{label(item)}: {reason}" for item in wanted if (reason := _lack(latest[api.path_of(item)]))]

    def details() -> list[str]:
        unready = [one for one in latest.values() if one is not None and lack(one)]
        return [line for one in unready for line in explain(api, one)]

    wait_for(f"{len(wanted)} objects ready", probe, seconds=seconds, details=details)
    return [found for found in latest.values() if found is not None]


def wait_gone(api: Api, items: Iterable[Object], *, seconds: float) -> None:
    """Wait until none of these objects exists any more."""
    wanted = list(items)

    def probe() -> list[str]:
        present = [found for item in wanted if (found := api.read(item)) is not None]
        return [f"{label(one)}: still there{_finalizers(one)}" for one in present]

    wait_for(f"{len(wanted)} objects gone", probe, seconds=seconds)


def _lack(item: Object | None) -> str | None:
    return "does not exist" if item is None else lack(item)


def _finalizers(item: Object) -> str:
    names = [*item["metadata"].get("finalizers", []), *item.get("spec", {}).get("finalizers", [])]
    return f", held by {', '.join(names)}" if names else ""
