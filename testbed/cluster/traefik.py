"""The real Traefik in front of a stack's hosts, with servers of this process in place of the pods.

The chart itself is not had here: the arguments that the stack adds are given as they are, and those that the chart
makes of its values (entry points, providers, the redirect) by hand.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archesai_infra.components import api, platform
from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.backend import backend
from testbed.controlplane import fleet
from testbed.controlplane.api import Object
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.controlplane.rig import ControlPlane

PODS = "192.0.2.10"
"""Address of the servers; the API server takes no loopback address for an endpoint."""
CLIENTS = ("192.0.2.21", "192.0.2.22")
"""Addresses that requests come from."""
ROUTED_SECONDS = 60


@dataclass(frozen=True)
class Front:
    """A running Traefik."""

    port: int
    domain: str

    def connect(self, source: str = CLIENTS[0], *, seconds: float = 30) -> http.client.HTTPConnection:
        """A connection from one of the clients' addresses; `seconds` bounds each wait for bytes."""
        return http.client.HTTPConnection(PODS, self.port, timeout=seconds, source_address=(source, 0))

    def host(self, module: str) -> str:
        """Host name of a module."""
        return f"{module}.{self.domain}"

    def get(self, module: str, source: str = CLIENTS[0], headers: Mapping[str, str] | None = None) -> int:
        """Status of a request."""
        connection = self.connect(source)
        try:
            connection.request("GET", "/", headers={"Host": self.host(module), **(headers or {})})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def behind_proxy(self, module: str, client: str) -> int:
        """Status of a request that a load balancer hands over with the PROXY protocol."""
        with socket.create_connection((PODS, self.port), timeout=30, source_address=(CLIENTS[1], 0)) as connection:
            request = f"GET / HTTP/1.1\r\nHost: {self.host(module)}\r\nConnection: close\r\n\r\n"
            connection.sendall(f"PROXY TCP4 {client} {PODS} 40000 {self.port}\r\n{request}".encode())
            return int(connection.makefile("rb").readline().split()[1])


@contextmanager
def servers() -> Generator[None]:
    """What stands in for the pods of api and platform until the end of the block."""
    for address in (PODS, *CLIENTS):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True, timeout=10)
    with backend(PODS, api.PORT), backend(PODS, platform.PORT):
        yield


@contextmanager
def front(rig: ControlPlane, binary: Path, stack: Evaluation, directory: Path) -> Generator[Front]:
    """Run Traefik for the hosts of a stack until the end of the block; `servers` has to run."""
    settings = stack.settings
    rig.apply(_objects(stack)).check()
    (values,) = (release.inputs["values"] for release in stack.releases if release.inputs["name"] == "traefik")
    (port,) = free_ports(1)
    command = [binary, f"--entrypoints.web.address=:{port}", "--entrypoints.websecure.address=:0", *_providers(values)]
    command += values["additionalArguments"]
    processes = Processes(directory)
    with closing(processes):
        processes.start("traefik", command, env={"KUBECONFIG": str(rig.admin_kubeconfig)})
        found = Front(port, settings.domain)
        _wait(found, settings.ingress.controller.proxy_protocol, processes)
        yield found


def _wait(found: Front, proxied: bool, processes: Processes) -> None:  # noqa: FBT001 - said by its name
    deadline = time.monotonic() + ROUTED_SECONDS
    while True:
        processes.check()
        try:
            status = found.behind_proxy("platform", "203.0.113.9") if proxied else found.get("platform")
        except OSError:
            status = 0
        if status == 200:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"platform answers {status}:\n{processes.tail('traefik')}")
        time.sleep(0.2)


def _providers(values: Mapping[str, Any]) -> list[str]:
    """What the chart makes of the stack's values."""
    providers = values["providers"]
    found = ["--providers.kubernetescrd=true", "--log.level=INFO", "--ping=false"]
    if providers["kubernetesIngressNGINX"]["enabled"]:
        # The control plane has a class of this name with a controller of its own, which cannot change.
        controller = fleet.ingress_class(fleet.INGRESS_CLASS)["spec"]["controller"]
        found += ["--providers.kubernetesingressnginx=true"]
        found += [f"--providers.kubernetesingressnginx.controllerclass={controller}"]
    if providers["kubernetesIngress"]["enabled"]:
        found.append(f"--providers.kubernetesingress.ingressclass={providers['kubernetesIngress']['ingressClass']}")
    return found


def _services(stack: Evaluation) -> list[Object]:
    exposed = {api.NAME, platform.NAME}
    return [item for item in stack.objects if item["kind"] == "Service" and item["metadata"]["name"] in exposed]


def _objects(stack: Evaluation) -> list[Object]:
    """Namespaces, hosts and Services, the class that the chart makes, and the endpoints that this process serves."""
    wanted = ("Namespace", "Middleware", "Ingress")
    found = [item for kind in wanted for item in stack.objects if item["kind"] == kind]
    if stack.settings.ingress.speaks_traefik:
        name = stack.settings.ingress.class_name
        found.append(fleet.ingress_class(name) | {"spec": {"controller": "traefik.io/ingress-controller"}})
    for service in _services(stack):
        spec = {key: value for key, value in service["spec"].items() if key != "selector"}
        found += [service | {"spec": spec}, _endpoints(service)]
    return found


def _endpoints(service: Object) -> Object:
    metadata = service["metadata"]
    ports = [{"name": port["name"], "port": port["port"], "protocol": "TCP"} for port in service["spec"]["ports"]]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": {"kubernetes.io/service-name": metadata["name"]},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [PODS], "conditions": {"ready": True}}],
        "ports": ports,
    }
