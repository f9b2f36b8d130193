"""What the rendered hosts do behind the real controller: limits, streams, slow uploads, idle WebSockets."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import websocket

from testbed.cluster.backend import PIECE_SECONDS, PIECES
from testbed.cluster.scenarios import alone, merged
from testbed.cluster.traefik import CLIENTS, PODS, Front, front, servers
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, render

pytestmark = [pytest.mark.cluster, pytest.mark.own_network]

MEBIBYTE = 1 << 20
LONGER_THAN_DEFAULTS = 75
"""Seconds; Traefik alone ends a request whose body takes 60 s."""
HOSTS: Config = {"ingress": {"enabled": True, "controller": {"install": True}}}
NGINX: Config = {"ingress": {"className": "nginx"}}
TRAEFIK: Config = {"ingress": {"className": "traefik"}}
FORWARDED: Config = {"ingress": {"controller": {"trustedProxies": ["192.0.2.0/24"]}}}
PROXY: Config = {"ingress": {"controller": {"trustedProxies": ["192.0.2.0/24"], "proxyProtocol": True}}}


@pytest.fixture(scope="module")
def fronts(prepared: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], Front]]:
    """A controller with the hosts of a stack by the name of its class, started once."""
    if shutil.which("ip") is None:
        pytest.skip("needs ip of iproute2 on PATH, to give this network the addresses of clients")
    binary = parts_or_skip("traefik")["traefik"]
    forms = {
        "nginx": NGINX,
        "traefik": TRAEFIK,
        "proxied": merged(NGINX, PROXY),
        "forwarded": merged(TRAEFIK, FORWARDED),
    }
    running: dict[str, Front] = {}
    with servers(), ExitStack() as stacked:

        def get(form: str) -> Front:
            if form not in running:
                config = merged(merged(HOSTS, forms[form]), {"domain": f"{form}.example.com"})
                stack = render(alone(config, f"front-{form}"), f"front-{form}")
                directory: Path = tmp_path_factory.mktemp(form)
                running[form] = stacked.enter_context(front(prepared, binary, stack, directory))
            return running[form]

        yield get


every_class = pytest.mark.parametrize("form", ["nginx", "traefik"])


@every_class
def test_forty_requests_at_once_for_pages_are_all_answered(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(running.get, ["platform"] * 40)) == {200}


@every_class
def test_one_client_of_the_api_meets_its_limit_and_another_does_not(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    with ThreadPoolExecutor(60) as pool:
        statuses = list(pool.map(running.get, ["api"] * 60))
        assert running.get("api", source=CLIENTS[1]) == 200
    assert {200, 429} == set(statuses)
    assert statuses.count(200) >= 20


def test_clients_behind_one_load_balancer_have_limits_of_their_own(fronts: Callable[[str], Front]) -> None:
    running = fronts("proxied")
    with ThreadPoolExecutor(60) as pool:
        statuses = list(pool.map(running.behind_proxy, ["api"] * 60, ["203.0.113.7"] * 60))
    assert 429 in statuses
    assert running.behind_proxy("api", "203.0.113.8") == 200


def test_clients_that_a_trusted_proxy_names_have_limits_of_their_own(fronts: Callable[[str], Front]) -> None:
    running = fronts("forwarded")

    def status(client: str) -> int:
        return running.get("api", source=CLIENTS[1], headers={"X-Forwarded-For": client})

    with ThreadPoolExecutor(60) as pool:
        statuses = list(pool.map(status, ["203.0.113.7"] * 60))
    assert 429 in statuses
    assert status("203.0.113.8") == 200


def test_a_body_above_the_limit_is_refused_and_one_below_it_arrives(fronts: Callable[[str], Front]) -> None:
    running = fronts("nginx")
    assert _upload(running, bytes(60 * MEBIBYTE)) == (413, None)
    assert _upload(running, bytes(40 * MEBIBYTE)) == (200, 40 * MEBIBYTE)


def _upload(running: Front, body: bytes) -> tuple[int, int | None]:
    connection = running.connect(CLIENTS[1], seconds=60)
    # Refused while the body is still on its way, the answer is there already.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/upload", body, {"Host": running.host("api")})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, int(text) if answer.status == 200 else None


@every_class
def test_an_answer_in_pieces_arrives_in_pieces(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    connection = running.connect(CLIENTS[1])
    connection.request("GET", "/stream", headers={"Host": running.host("api")})
    answer = connection.getresponse()
    moments = [time.monotonic() for _ in range(PIECES) if answer.read(5) == b"piece"]
    connection.close()
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert len(gaps) == PIECES - 1
    assert min(gaps) > PIECE_SECONDS / 2


@pytest.mark.long
def test_a_slow_upload_and_an_idle_websocket_outlive_the_controllers_own_limits(fronts: Callable[[str], Front]) -> None:
    running = [fronts(form) for form in ("nginx", "traefik")]
    with ThreadPoolExecutor(4) as pool:
        uploads, idle = pool.map(_slow_upload, running), pool.map(_idle_websocket, running)
        assert (list(uploads), list(idle)) == ([200, 200], ["still there", "still there"])


def _slow_upload(running: Front) -> int:
    connection = running.connect(CLIENTS[1], seconds=LONGER_THAN_DEFAULTS)
    connection.putrequest("POST", "/upload", skip_host=True)
    connection.putheader("Host", running.host("api"))
    connection.putheader("Content-Length", str(LONGER_THAN_DEFAULTS))
    connection.endheaders()
    for _ in range(LONGER_THAN_DEFAULTS):
        time.sleep(1)
        connection.send(b"x")
    status = connection.getresponse().status
    connection.close()
    return status


def _idle_websocket(running: Front) -> str:
    address = f"ws://{PODS}:{running.port}/socket"
    connection = websocket.create_connection(address, timeout=30, host=running.host("api"))
    time.sleep(LONGER_THAN_DEFAULTS)
    # The server sends back what comes, masked as a client's frames are; the library undoes it.
    connection.send("still there")
    text = str(connection.recv())
    connection.close()
    return text


@every_class
def test_security_headers_come_with_every_answer(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    connection = running.connect(CLIENTS[1])
    connection.request("GET", "/", headers={"Host": running.host("platform")})
    answer = connection.getresponse()
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("X-Frame-Options") == "DENY"
    connection.close()
