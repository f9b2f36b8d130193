"""Clients are served without a failure while the hosts of a stack move from Ingress to Gateway API and back."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from archesai_infra.components.ingress.gateway import NAME
from archesai_infra.components.ingress.routes import API_VERSION
from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.clients import Clients
from testbed.cluster.scenarios import alone
from testbed.cluster.traefik import CONTROLLERS, PROGRAM, Front, certified, front_beside, objects_of, servers
from testbed.controlplane.api import Object, label
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.processes import Processes
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, render

pytestmark = [pytest.mark.cluster, pytest.mark.own_network]

STACK = "front-moving"
MOVE = ("ingress", "both", "gateway", "both", "ingress")
BY_INGRESS, BY_GATEWAY = "kubernetesingressnginx", "kubernetesgateway"
"""Traefik's providers, whose routers answer."""
PROVIDERS = {"ingress": {BY_INGRESS}, "both": {BY_INGRESS}, "gateway": {BY_GATEWAY}}
ALLOWED = PROVIDERS | {"both": {BY_INGRESS, BY_GATEWAY}}
"""The routers of Ingresses come first, once they are there."""
ANSWERS = 20


def _stack(name: str) -> Evaluation:
    ingress: Config = {
        "enabled": True,
        "api": name,
        "className": "nginx",
        "tls": {"enabled": True, "existingSecret": "hosts"},
        "controller": {"install": True},
    }
    return render(alone({"ingress": ingress, "domain": "moving.example.com"}, STACK), STACK)


class Move:
    """A stack whose hosts move from one API to another in the order of `up`, while clients go on asking."""

    def __init__(self, rig: ControlPlane, binary: Path, directory: Path, running: ExitStack, clients: Clients) -> None:
        self.clients = clients
        self._rig = rig
        self._binary = binary
        self._directory = directory
        self._running = running
        self._certificate = certified(_stack(MOVE[0]), directory)
        self._served: list[tuple[Front, Processes]] = []
        self._objects: dict[str, Object] = {}

    def to(self, name: str) -> Front:
        """Apply what the stack has now, roll the controller, delete what the stack has no more."""
        stack = _stack(name)
        objects = {label(item): item for item in (*objects_of(stack), self._certificate.secret)}
        self._rig.apply(objects.values()).check()
        served = self._start(stack)
        if self._served:
            self._hand_over(*self._served[-1], served[0])
        else:
            self.clients.start(served[0])
        self._served.append(served)
        for gone in self._objects.keys() - objects.keys():
            self._rig.api.delete(self._objects[gone])
        self._objects = objects
        self.clients.wait_answered(served[0], ANSWERS)
        return served[0]

    def _start(self, stack: Evaluation) -> tuple[Front, Processes]:
        number = len(self._served)
        address, directory = CONTROLLERS[number % len(CONTROLLERS)], self._directory / str(number)
        beside = front_beside(self._rig, self._binary, stack, directory, address, self._certificate.trusted)
        front, processes = self._running.enter_context(beside)
        self._rig.wait_for("the api is served", lambda: [] if front.get("api") == 200 else ["not yet"])
        return front, processes

    def _hand_over(self, old: Front, processes: Processes, new: Front) -> None:
        """As a Deployment's pods are replaced: the new one is in service before the old one is told to end."""
        self.clients.lead_to(old, new)
        self.clients.wait_answered(new, ANSWERS)
        # It still takes connections for a while, as what leads them there hears of its end later.
        processes.signal(PROGRAM, signal.SIGTERM)
        self.clients.wait_answered(old, 1)
        self.clients.lead_to(new)
        self.clients.wait_idle(old)
        processes.close()

    def providers(self) -> list[set[str]]:
        """Traefik's providers of the routers that answered, by the controllers of the steps."""
        return [set(_providers(self._directory / str(number))) for number in range(len(self._served))]


def _providers(directory: Path) -> Iterator[str]:
    for line in (directory / f"{PROGRAM}.log").read_text(encoding="utf-8").splitlines():
        if line.startswith("{") and (router := json.loads(line).get("RouterName")):
            yield router.partition("@")[2]


@pytest.fixture
def move(prepared: ControlPlane, tmp_path: Path) -> Generator[Move]:
    if shutil.which("ip") is None:
        pytest.skip("needs ip of iproute2 on PATH, to give this network the addresses of clients")
    binary = parts_or_skip("traefik")["traefik"]
    with servers(), ExitStack() as running, closing(Clients()) as clients:
        yield Move(prepared, binary, tmp_path, running, clients)
    prepared.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STACK}})


def test_no_request_fails_while_hosts_move_from_ingress_to_gateway_api_and_back(
    move: Move, prepared: ControlPlane
) -> None:
    for step in MOVE:
        front = move.to(step)
        if step == "both":
            _wait_served_by_both(prepared)
            _wait_limited(prepared, front)
    assert move.clients.failed == []
    for step, providers in zip(MOVE, move.providers(), strict=True):
        assert PROVIDERS[step] <= providers <= ALLOWED[step], step


def _wait_served_by_both(rig: ControlPlane) -> None:
    """Wait until the controller has attached a route to each listener; the Ingresses have the same hosts."""

    def unattached() -> list[str]:
        gateway = rig.api.get(API_VERSION, "Gateway", NAME, STACK)
        listeners = gateway.get("status", {}).get("listeners", [])
        attached = {item["name"]: item["attachedRoutes"] for item in listeners}
        return [] if attached == {"http": 1, "https-api": 1, "https-platform": 1} else [str(attached)]

    rig.wait_for("routes are attached", unattached)
    hosts = {item["spec"]["rules"][0]["host"] for item in rig.api.list("networking.k8s.io/v1", "Ingress", STACK)}
    routes = rig.api.list(API_VERSION, "HTTPRoute", STACK)
    assert hosts == {name for route in routes for name in route["spec"]["hostnames"]}
    assert hosts


def _wait_limited(rig: ControlPlane, front: Front) -> None:
    """Wait until one client of the api meets its limit."""

    def unlimited() -> list[str]:
        with ThreadPoolExecutor(60) as pool:
            return [] if 429 in pool.map(front.get, ["api"] * 60) else ["all of 60 requests are answered"]

    rig.wait_for("the limit holds", unlimited)
