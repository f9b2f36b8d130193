"""Autoscaling switched on and off by the engine while the api serves."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from testbed.controlplane.api import MERGE_PATCH
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy
from testbed.stacks import Config

pytestmark = pytest.mark.engine

API = ("apps/v1", "Deployment", "archesai-api")
SERVING = 3
SCALED = 5
EVERY_SECONDS = 0.1
CONSTANT: Config = DEV | {"api": {"replicas": SERVING}}
AUTOSCALED: Config = {"api": {"replicas": SERVING, "autoscaling": {"enabled": True, "minReplicas": SERVING}}}


@contextmanager
def sampled(rig: ControlPlane, namespace: str) -> Generator[list[tuple[int, int]]]:
    """Wanted and available pods of the api, again and again."""
    seen: list[tuple[int, int]] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(EVERY_SECONDS):
            found = rig.api.get(*API, namespace)
            seen.append((found["spec"]["replicas"], found["status"].get("availableReplicas", 0)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def test_switching_autoscaling_on_and_off_never_takes_a_pod_away(deploy: Deploy, control_plane: ControlPlane) -> None:
    stack = deploy("scaling", CONSTANT)
    stack.up()
    with sampled(control_plane, "scaling") as switched_on:
        stack.configure(AUTOSCALED)
        stack.up()
    path = f"{control_plane.api.path(*API[:2], 'scaling', API[2])}/scale"
    body = {"spec": {"replicas": SCALED}}
    control_plane.api.request("PATCH", path, body=body, content_type=MERGE_PATCH)
    # A changed setting of the api rolls its pods and must leave their number to the autoscaler.
    with sampled(control_plane, "scaling") as rolled:
        stack.configure(AUTOSCALED | {"api": {**AUTOSCALED["api"], "logLevel": "debug"}})
        stack.up()
    with sampled(control_plane, "scaling") as switched_off:
        stack.configure({"api": {"replicas": SERVING, "autoscaling": {"enabled": False}}})
        stack.up()
    least = [tuple(min(column) for column in zip(*seen, strict=True)) for seen in (switched_on, rolled, switched_off)]
    assert least[0] == (SERVING, SERVING)
    assert least[1][0] == SCALED
    assert min(least[1][1], *least[2]) >= SERVING
