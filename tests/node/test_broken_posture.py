"""What manifests give a pod, taken away once each: the checks of `posture` and of rollouts must notice it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pytest

from testbed.controlplane.api import Object
from testbed.node import posture
from testbed.node.requests import under_load
from testbed.node.stack import NodeStack, unready

pytestmark = pytest.mark.node

NOTICED_SECONDS = 180.0
"""Bound on a busy machine."""
LOAD_SECONDS = 25
BEYOND_THE_LIMIT = 700_000_000
"""Bytes that the limit of the platform's memory does not allow, and that the nodes have."""
UNUSED_PORT = 9


class Check(Protocol):
    """What it yields about a stack is wrong with it."""

    __name__: str

    def __call__(self, stack: NodeStack, /) -> Iterable[str]: ...


def container(item: Object) -> Object:
    return item["spec"]["template"]["spec"]["containers"][0]


def pod(item: Object) -> Object:
    return item["spec"]["template"]["spec"]


def writable_root(item: Object) -> None:
    container(item)["securityContext"]["readOnlyRootFilesystem"] = False


def no_user(item: Object) -> None:
    for key in ("runAsUser", "runAsGroup"):
        del pod(item)["securityContext"][key]


def another_port(item: Object) -> None:
    for probe in ("startupProbe", "readinessProbe"):
        container(item)[probe] = {"tcpSocket": {"port": UNUSED_PORT}, "periodSeconds": 2}


def impatient(item: Object) -> None:
    container(item)["livenessProbe"] = {"tcpSocket": {"port": UNUSED_PORT}, "periodSeconds": 1, "failureThreshold": 1}


def at_once(item: Object) -> None:
    container(item)["lifecycle"]["preStop"]["exec"]["command"] = ["/bin/sh", "-c", "kill -INT 1"]


def without_its_roles(item: Object) -> None:
    """Hide that the hook does not give the server its roles: only then does the pod count as started."""
    command = ["/bin/sh", "-c", 'touch "$PGSOCKETS/roles"']
    container(item)["lifecycle"]["postStart"]["exec"]["command"] = command


def no_limit(item: Object) -> None:
    del container(item)["resources"]["limits"]["memory"]


def slow_start(item: Object) -> None:
    container(item)["startupProbe"] = {"tcpSocket": {"port": UNUSED_PORT}, "periodSeconds": 1, "failureThreshold": 1}


def little_memory(item: Object) -> None:
    container(item)["resources"]["requests"]["memory"] = "1Mi"


def restless(item: Object) -> None:
    container(item)["resources"]["requests"]["cpu"] = "10m"
    spin = "(while :; do :; done) >/dev/null 2>&1 &"
    container(item)["lifecycle"] = {"postStart": {"exec": {"command": ["sh", "-c", spin]}}}


def no_group(item: Object) -> None:
    del pod(item)["securityContext"]["fsGroup"]


def failures_of_a_rollout(stack: NodeStack) -> list[str]:
    where = (f"--namespace={stack.namespace}", "deployment/archesai-api")
    with under_load(stack, LOAD_SECONDS) as failed:
        assert stack.cluster.kubectl("rollout", "restart", *where).returncode == 0
        stack.cluster.wait_ready(stack.one("Deployment", "archesai-api"))
    return failed


def warnings(stack: NodeStack) -> list[str]:
    return stack.warnings(posture.EXPLAINED)


def restarts(stack: NodeStack) -> Iterator[str]:
    for one in stack.pods():
        if any(status["restartCount"] for status in one["status"].get("containerStatuses", [])):
            yield f"{one['metadata']['uid']} restarted"


def locked_out(stack: NodeStack) -> Iterator[str]:
    """Whether a server that has started again does not let the api in, whose role had lost its password."""
    stack.sql("alter role arches_app password 'unknown to everybody'")
    deleted = stack.pod("database")
    stack.cluster.api.delete(deleted)

    def missing() -> list[str]:
        others = [one for one in stack.pods("database") if one["metadata"]["uid"] != deleted["metadata"]["uid"]]
        started = [status.get("started") for one in others for status in one["status"].get("containerStatuses", [])]
        return [] if started == [True] else ["the server has not started"]

    stack.cluster.wait_for("the server starts again", missing)
    api = stack.pod("api")["metadata"]["name"]
    if stack.cluster.exec(stack.namespace, api, "archesai", "check").returncode:
        yield "the api is locked out"


def beyond_the_limit(stack: NodeStack) -> Iterator[str]:
    return posture.unbounded(stack, "platform", BEYOND_THE_LIMIT)


@dataclass(frozen=True)
class Fault:
    """One thing that a manifest lacks, and the checks that notice it; a good start triggers no first one."""

    kind: str
    name: str
    change: Callable[[Object], None]
    checks: tuple[Check, ...]
    ready: bool = False
    """Whether the pods become ready all the same."""
    volume: str | None = None
    """A claim that has to be empty to show it."""


FAULTS = {
    "read-only root": Fault("Deployment", "archesai-platform", writable_root, (posture.writable_or_named,), ready=True),
    "numeric user": Fault("Deployment", "archesai-platform", no_user, (warnings, unready)),
    "readiness probe": Fault("Deployment", "archesai-platform", another_port, (warnings, unready)),
    "startup probe": Fault("Deployment", "archesai-platform", slow_start, (restarts,)),
    "liveness probe": Fault("Deployment", "archesai-platform", impatient, (restarts,)),
    "preStop hook": Fault("Deployment", "archesai-api", at_once, (failures_of_a_rollout,), ready=True),
    "postStart hook": Fault("StatefulSet", "archesai-postgres", without_its_roles, (locked_out,), ready=True),
    "memory limit": Fault("Deployment", "archesai-platform", no_limit, (beyond_the_limit,), ready=True),
    "memory request": Fault("Deployment", "archesai-platform", little_memory, (posture.hungry,), ready=True),
    "processor request": Fault("Deployment", "archesai-platform", restless, (posture.hungry,), ready=True),
    "fsGroup": Fault("StatefulSet", "archesai-redis", no_group, (restarts, unready), volume="archesai-redis-data"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_pod_that_lacks_it_is_noticed(fragile: NodeStack, fault: Fault) -> None:
    item = fragile.one(fault.kind, fault.name)
    broken = deepcopy(item)
    fault.change(broken)
    assert broken != item
    before = {*warnings(fragile), *restarts(fragile)}
    try:
        swap(fragile, broken, fault)
        if fault.ready:
            fragile.wait_ready()
        fragile.cluster.wait_for(
            "the checks notice it", lambda: unnoticed(fragile, fault, before), seconds=NOTICED_SECONDS
        )
    finally:
        swap(fragile, item, fault)
        fragile.wait_ready()
    assert unready(fragile) == []


def unnoticed(stack: NodeStack, fault: Fault, before: set[str]) -> list[str]:
    """A check that finds nothing but what was wrong before; the checks after it are not asked."""
    return list(islice((check.__name__ for check in fault.checks if not set(check(stack)) - before), 1))


def swap(stack: NodeStack, item: Object, fault: Fault) -> None:
    """Put a manifest in the place of what is there; with an empty volume where it matters."""
    if fault.volume:
        claim = stack.one("PersistentVolumeClaim", fault.volume)
        for one in (item, claim):
            stack.cluster.api.delete(one)
            stack.cluster.wait_gone(one)
        stack.cluster.apply([claim]).check()
    stack.cluster.apply([item]).check()
