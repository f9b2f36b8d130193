"""What the rendered hosts do behind the real controller: limits, streams, slow uploads, idle WebSockets."""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websocket

from archesai_infra.components import api, platform, storage
from archesai_infra.components.ingress.gateway import NAME, TRAEFIK_PORTS
from archesai_infra.components.ingress.routes import API_VERSION
from archesai_infra.components.storage import ManagedStorage
from testbed.backups.object_store import object_store
from testbed.backups.servers import place
from testbed.cluster.backend import PIECE_SECONDS, PIECES
from testbed.cluster.scenarios import alone, merged
from testbed.cluster.traefik import CLIENTS, PODS, Front, front, servers
from testbed.controlplane.addresses import ADDRESS
from testbed.controlplane.api import Object
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, render

pytestmark = [pytest.mark.cluster, pytest.mark.own_network]

MEBIBYTE = 1 << 20
LONG_SECONDS = 120
"""Traefik alone ends a request whose body takes 60 s; many proxies end a connection that is idle for as long."""
HOSTS: Config = {"ingress": {"enabled": True, "controller": {"install": True}}}
STORED: Config = {
    "storage": {"enabled": True, "publicEndpoint": True},
    "ingress": {"hosts": {"storage": "storage"}},
}
NGINX: Config = {"ingress": {"className": "nginx"}}
TRAEFIK: Config = {"ingress": {"className": "traefik"}}
GATEWAY: Config = {"ingress": {"api": "gateway", "tls": {"enabled": True, "existingSecret": "hosts"}}}
FORWARDED: Config = {"ingress": {"controller": {"trustedProxies": ["192.0.2.0/24"]}}}
PROXY: Config = {"ingress": {"controller": {"trustedProxies": ["192.0.2.0/24"], "proxyProtocol": True}}}


@pytest.fixture(scope="module")
def fronts(prepared: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], Front]]:
    """A controller with the hosts of a stack by the name of its class, started once."""
    if shutil.which("ip") is None:
        pytest.skip("needs ip of iproute2 on PATH, to give this network the addresses of clients")
    binary = parts_or_skip("traefik")["traefik"]
    forms = {
        "nginx": merged(NGINX, STORED),
        "traefik": TRAEFIK,
        "gateway": GATEWAY,
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


every_form = pytest.mark.parametrize("form", ["nginx", "traefik", "gateway"])


@every_form
def test_each_host_leads_to_its_own_module_and_another_name_to_none(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    for module, port in (("api", api.PORT), ("platform", platform.PORT)):
        with closing(running.connect(module)) as connection:
            connection.request("GET", "/", headers={"Host": running.host(module)})
            assert connection.getresponse().read() == str(port).encode()
    assert running.get("api", headers={"Host": f"other.{running.domain}"}) == 404


def test_plain_requests_are_led_to_the_gateways_https(fronts: Callable[[str], Front]) -> None:
    running = fronts("gateway")
    with closing(http.client.HTTPConnection(PODS, TRAEFIK_PORTS[0], timeout=30)) as connection:
        connection.request("GET", "/path?query=1", headers={"Host": running.host("api")})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Location")) == (301, f"https://{running.host('api')}/path?query=1")


def test_the_controller_accepts_class_gateway_and_routes_and_publishes_its_address(
    fronts: Callable[[str], Front], prepared: ControlPlane
) -> None:
    fronts("gateway")
    namespace = "front-gateway"
    (class_,) = (
        item for item in prepared.api.list(API_VERSION, "GatewayClass") if item["metadata"]["name"] == "traefik"
    )
    assert _conditions(class_["status"])["Accepted"] == "True"
    gateway = prepared.api.get(API_VERSION, "Gateway", NAME, namespace)
    assert _conditions(gateway["status"]) == {"Accepted": "True", "Programmed": "True"}
    assert gateway["status"]["addresses"] == [{"type": "IPAddress", "value": ADDRESS}]
    attached = {item["name"]: item["attachedRoutes"] for item in gateway["status"]["listeners"]}
    assert attached == {"http": 1, "https-api": 1, "https-platform": 1}
    routes = prepared.api.list(API_VERSION, "HTTPRoute", namespace, labels="app.kubernetes.io/name=archesai")
    assert {item["metadata"]["name"] for item in routes} == {"archesai-api", "archesai-platform", "archesai-redirect"}
    for route in routes:
        (parent,) = route["status"]["parents"]
        assert _conditions(parent) == {"Accepted": "True", "ResolvedRefs": "True"}, route["metadata"]["name"]


def _conditions(status: Object) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in status["conditions"]}


@every_form
def test_forty_requests_at_once_for_pages_are_all_answered(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(running.get, ["platform"] * 40)) == {200}


@every_form
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


def test_a_url_that_is_signed_for_the_storages_public_host_is_good_there_and_one_for_the_service_is_not(
    fronts: Callable[[str], Front],
) -> None:
    running = fronts("nginx")
    bucket = ManagedStorage().bucket
    with place() as directory, object_store(address=f"{PODS}:{storage.PORT}") as inside:
        (directory / "page").write_text("what was stored", encoding="utf-8")
        for words in (("mkdir", f"s3:{bucket}"), ("copyto", str(directory / "page"), f"s3:{bucket}/page")):
            done = inside.rclone(*words)
            assert done.returncode == 0, done.stderr
        public = replace(inside, url=f"http://{running.host('storage')}")
        # The name is in no DNS: the controller is asked as a proxy is, for a whole address.
        by_controller = {"http_proxy": f"http://{PODS}:{running.port}"}
        signed = [
            urlsplit(store.rclone("link", f"s3:{bucket}/page", more=more).stdout.strip())
            for store, more in ((public, by_controller), (inside, {}))
        ]
        assert [url.netloc for url in signed] == [running.host("storage"), f"{PODS}:{storage.PORT}"]
        answers = [_get(running, f"{url.path}?{url.query}") for url in signed]
        assert answers[0] == (200, b"what was stored")
        assert answers[1][0] == 403
        # The rest of the server stays inside.
        assert _get(running, "/minio/health/live")[0] == 404


def _get(running: Front, target: str) -> tuple[int, bytes]:
    with closing(running.connect("storage", CLIENTS[1])) as connection:
        connection.request("GET", target, headers={"Host": running.host("storage")})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_traefiks_middleware_for_bodies_refuses_them_and_holds_answers_back(
    fronts: Callable[[str], Front], prepared: ControlPlane
) -> None:
    """Why bodySize is refused for class traefik and for Traefik's Gateway API: answers would not stream."""
    running, namespace = fronts("gateway"), "front-gateway"
    host = f"limited.{running.domain}"
    prepared.apply(_limited(namespace, host)).check()
    plain = Front(TRAEFIK_PORTS[0], running.domain)
    prepared.wait_for("the route is served", lambda: [] if plain.get("limited") == 200 else ["not yet"])
    assert _upload(plain, bytes(MEBIBYTE + 1), "limited") == (413, None)
    assert _upload(plain, bytes(MEBIBYTE), "limited") == (200, MEBIBYTE)
    assert max(_gaps(plain, "limited")) < PIECE_SECONDS / 2


def _limited(namespace: str, host: str) -> list[Object]:
    """A way to the api through the middleware, with all that it can be told of answers left to its defaults."""
    metadata = {"name": "limited", "namespace": namespace}
    reference = {"group": "traefik.io", "kind": "Middleware", "name": "limited"}
    rule = {
        "filters": [{"type": "ExtensionRef", "extensionRef": reference}],
        "backendRefs": [{"name": "archesai-api", "port": api.PORT}],
    }
    listener = {"name": "http", "protocol": "HTTP", "port": TRAEFIK_PORTS[0]}
    gateway = {"gatewayClassName": "traefik", "listeners": [listener]}
    middleware = {"buffering": {"maxRequestBodyBytes": MEBIBYTE}}
    route = {"parentRefs": [{"name": "limited"}], "hostnames": [host], "rules": [rule]}
    return [
        {"apiVersion": API_VERSION, "kind": "Gateway", "metadata": metadata, "spec": gateway},
        {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": metadata, "spec": middleware},
        {"apiVersion": API_VERSION, "kind": "HTTPRoute", "metadata": metadata, "spec": route},
    ]


def _upload(running: Front, body: bytes, module: str = "api") -> tuple[int, int | None]:
    connection = running.connect(module, CLIENTS[1], seconds=60)
    # Refused while the body is still on its way, the answer is there already.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/upload", body, {"Host": running.host(module)})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, int(text) if answer.status == 200 else None


@every_form
def test_an_answer_in_pieces_arrives_in_pieces(fronts: Callable[[str], Front], form: str) -> None:
    assert min(_gaps(fronts(form), "api")) > PIECE_SECONDS / 2


def _gaps(running: Front, module: str) -> list[float]:
    """Seconds between the pieces of an answer that the server writes piece by piece."""
    connection = running.connect(module, CLIENTS[1])
    connection.request("GET", "/stream", headers={"Host": running.host(module)})
    answer = connection.getresponse()
    moments = [time.monotonic() for _ in range(PIECES) if answer.read(5) == b"piece"]
    connection.close()
    assert len(moments) == PIECES
    return [later - earlier for earlier, later in pairwise(moments)]


@pytest.mark.long
def test_an_upload_of_two_minutes_and_a_websocket_idle_for_as_long_live(fronts: Callable[[str], Front]) -> None:
    running = [fronts(form) for form in ("nginx", "traefik", "gateway")]
    with ThreadPoolExecutor(2 * len(running)) as pool:
        uploads, idle = pool.map(_slow_upload, running), pool.map(_idle_websocket, running)
        assert (list(uploads), list(idle)) == ([200] * len(running), ["still there"] * len(running))


def _slow_upload(running: Front) -> int:
    connection = running.connect("api", CLIENTS[1], seconds=LONG_SECONDS)
    connection.putrequest("POST", "/upload", skip_host=True)
    connection.putheader("Host", running.host("api"))
    connection.putheader("Content-Length", str(LONG_SECONDS))
    connection.endheaders()
    for _ in range(LONG_SECONDS):
        time.sleep(1)
        connection.send(b"x")
    status = connection.getresponse().status
    connection.close()
    return status


def _idle_websocket(running: Front) -> str:
    wire = running.connect("api", CLIENTS[1], seconds=30)
    if wire.sock is None:
        wire.connect()
    connection = websocket.create_connection("ws://api/socket", socket=wire.sock, host=running.host("api"))
    time.sleep(LONG_SECONDS)
    # The server sends back what comes, masked as a client's frames are; the library undoes it.
    connection.send("still there")
    text = str(connection.recv())
    connection.close()
    return text


@every_form
def test_security_headers_come_with_every_answer(fronts: Callable[[str], Front], form: str) -> None:
    running = fronts(form)
    connection = running.connect("platform", CLIENTS[1])
    connection.request("GET", "/", headers={"Host": running.host("platform")})
    answer = connection.getresponse()
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("X-Frame-Options") == "DENY"
    connection.close()
