"""The real Traefik in front of a stack's hosts, with servers of this process in place of the pods.

The chart itself is not had here: the arguments that the stack adds are given as they are, and those that the chart
makes of its values (entry points, providers, the redirect) by hand.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archesai_infra.components import api, platform, storage
from archesai_infra.components.ingress.gateway import TRAEFIK_PORTS
from archesai_infra.components.ingress.rights import ACCOUNT
from archesai_infra.stack.evaluate import Evaluation
from testbed.cluster.backend import backend
from testbed.controlplane import fleet
from testbed.controlplane.api import Object
from testbed.controlplane.certificates import CertificateAuthority
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.controlplane.rig import ControlPlane

PODS = "192.0.2.10"
"""Address of the servers; the API server takes no loopback address for an endpoint."""
CLIENTS = ("192.0.2.21", "192.0.2.22")
"""Addresses that requests come from."""
CONTROLLERS = ("192.0.2.31", "192.0.2.32")
"""Addresses of two controllers beside each other, whose ports are the same."""
PROGRAM = "traefik"
"""Name of the process."""
ROUTED_SECONDS = 60
RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
KINDS = ("Namespace", *RIGHTS, "Middleware", "Ingress", "GatewayClass", "Gateway", "HTTPRoute")


@dataclass(frozen=True)
class Front:
    """A running Traefik."""

    port: int
    """Where the hosts are served."""
    domain: str
    secure: ssl.SSLContext | None = None
    """Trusts the certificate of the hosts; None where they are served without TLS."""
    address: str = PODS
    """Of the controller."""

    def connect(self, module: str, source: str = CLIENTS[0], *, seconds: float = 30) -> http.client.HTTPConnection:
        """A connection for a module's host from one of the clients' addresses; `seconds` bounds each wait for bytes."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=seconds, source_address=(source, 0))
        if self.secure is not None:
            connection.connect()
            connection.sock = self.secure.wrap_socket(connection.sock, server_hostname=self.host(module))
        return connection

    def host(self, module: str) -> str:
        """Host name of a module."""
        return f"{module}.{self.domain}"

    def get(self, module: str, source: str = CLIENTS[0], headers: Mapping[str, str] | None = None) -> int:
        """Status of a request."""
        connection = self.connect(module, source)
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
    for address in (PODS, *CLIENTS, *CONTROLLERS):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True, timeout=10)
    with backend(PODS, api.PORT), backend(PODS, platform.PORT):
        yield


@contextmanager
def front(rig: ControlPlane, binary: Path, stack: Evaluation, directory: Path) -> Generator[Front]:
    """Run Traefik with the stack's rights for its hosts until the end of the block; `servers` has to run."""
    settings = stack.settings
    (web,), websecure = free_ports(1), 0
    found, objects = Front(web, settings.domain), objects_of(stack)
    if settings.ingress.by_gateway:
        web, websecure = TRAEFIK_PORTS
        certificate = certified(stack, directory)
        found = Front(websecure, settings.domain, certificate.trusted)
        objects.append(certificate.secret)
    rig.apply(objects).check()
    with controller(rig, binary, stack, directory, (f":{web}", f":{websecure}")) as processes:
        _wait(found, settings.ingress.controller.proxy_protocol, processes)
        yield found


@contextmanager
def front_beside(
    rig: ControlPlane, binary: Path, stack: Evaluation, directory: Path, address: str, trusted: ssl.SSLContext
) -> Generator[tuple[Front, Processes]]:
    """Run Traefik for the hosts of a stack that is applied, with TLS, at one of `CONTROLLERS`."""
    settings = stack.settings.ingress
    web, websecure = TRAEFIK_PORTS
    found = Front(websecure, stack.settings.domain, trusted, address)
    points = (f"{address}:{web}", f"{address}:{websecure}")
    with controller(rig, binary, stack, directory, points) as processes:
        _wait(found, settings.controller.proxy_protocol, processes)
        yield found, processes


@contextmanager
def controller(
    rig: ControlPlane, binary: Path, stack: Evaluation, directory: Path, points: tuple[str, str]
) -> Generator[Processes]:
    """Run Traefik with the arguments of a stack, its entry points at two addresses, until the end of the block."""
    (values,) = (release.inputs["values"] for release in stack.releases if release.inputs["name"] == "traefik")
    web, websecure = points
    command = [binary, f"--entrypoints.web.address={web}", f"--entrypoints.websecure.address={websecure}"]
    home = stack.settings.ingress.controller.release_namespace
    command += [*providers(values, home), *values["additionalArguments"]]
    processes = Processes(directory)
    with closing(processes):
        processes.start(PROGRAM, command, env={"KUBECONFIG": str(_account(rig, stack))})
        yield processes


@dataclass(frozen=True)
class Certificate:
    """A certificate for all hosts of a stack."""

    secret: Object
    """What the stack file names."""
    trusted: ssl.SSLContext


def certified(stack: Evaluation, directory: Path) -> Certificate:
    """Make a certificate for the hosts of a stack that names an existing Secret."""
    domain, ingress = stack.settings.domain, stack.settings.ingress
    authority = CertificateAuthority(directory / "certificates")
    pair = authority.serving("hosts", f"DNS:*.{domain}")
    contents = {"tls.crt": pair.certificate, "tls.key": pair.key}
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": ingress.tls.existing_secret, "namespace": stack.settings.namespace},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(path.read_bytes()).decode() for key, path in contents.items()},
    }
    return Certificate(secret, ssl.create_default_context(cafile=str(authority.certificate)))


def _account(rig: ControlPlane, stack: Evaluation) -> Path:
    """Kubeconfig of the controller's service account."""
    home = stack.settings.ingress.controller.release_namespace
    made = rig.kubectl("create", "token", ACCOUNT, f"--namespace={home}")
    if made.returncode:
        raise RuntimeError(f"no token for {home}/{ACCOUNT}: {made.stderr.strip()}")
    return rig.kubeconfig_with_token(f"traefik-{home}", made.stdout.strip())


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
            raise TimeoutError(f"platform answers {status}:\n{processes.tail(PROGRAM)}")
        time.sleep(0.2)


def providers(values: Mapping[str, Any], home: str) -> list[str]:
    """What the chart in the namespace `home` makes of the stack's values."""
    providers = values["providers"]
    definitions = "--providers.kubernetescrd"
    found = [f"{definitions}=true", f"{definitions}.namespaces={','.join(providers['kubernetesCRD']['namespaces'])}"]
    found += ["--log.level=INFO", "--ping=false"]
    if providers["kubernetesIngressNGINX"]["enabled"]:
        # The control plane has a class of this name with a controller of its own, which cannot change.
        controller = fleet.ingress_class(fleet.INGRESS_CLASS)["spec"]["controller"]
        found += ["--providers.kubernetesingressnginx=true"]
        found += [f"--providers.kubernetesingressnginx.controllerclass={controller}"]
        namespace = providers["kubernetesIngressNGINX"]["watchNamespace"]
        found += [f"--providers.kubernetesingressnginx.watchnamespace={namespace}"]
    if providers["kubernetesIngress"]["enabled"]:
        ingresses = providers["kubernetesIngress"]
        found.append(f"--providers.kubernetesingress.ingressclass={ingresses['ingressClass']}")
        found.append(f"--providers.kubernetesingress.namespaces={','.join(ingresses['namespaces'])}")
    if "kubernetesGateway" in providers:
        option = "--providers.kubernetesgateway"
        found += [f"{option}=true", f"{option}.namespaces={','.join(providers['kubernetesGateway']['namespaces'])}"]
        found += [f"{option}.statusaddress.service.name=traefik", f"{option}.statusaddress.service.namespace={home}"]
    return found


def _services(stack: Evaluation) -> list[Object]:
    exposed = {api.NAME, platform.NAME, storage.NAME}
    return [item for item in stack.objects if item["kind"] == "Service" and item["metadata"]["name"] in exposed]


def objects_of(stack: Evaluation) -> list[Object]:
    """What the stack and the chart make for the hosts, and the endpoints that this process serves."""
    found = [item for kind in KINDS for item in stack.objects if item["kind"] == kind and not _others(item)]
    home = {"name": "traefik", "namespace": stack.settings.ingress.controller.release_namespace}
    found.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": home | {"name": ACCOUNT}})
    ports = [{"name": "web", "port": 80}]
    found.append(
        {"apiVersion": "v1", "kind": "Service", "metadata": home, "spec": {"type": "LoadBalancer", "ports": ports}}
    )
    if stack.settings.ingress.by_ingress and stack.settings.ingress.speaks_traefik:
        name = stack.settings.ingress.class_name
        found.append(fleet.ingress_class(name) | {"spec": {"controller": "traefik.io/ingress-controller"}})
    for service in _services(stack):
        spec = {key: value for key, value in service["spec"].items() if key != "selector"}
        found += [service | {"spec": spec}, _endpoints(service)]
    return found


def _others(item: Object) -> bool:
    """Whether an object of these kinds belongs to another module."""
    return item["kind"] in RIGHTS and item["metadata"]["labels"]["app.kubernetes.io/component"] != "ingress"


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
