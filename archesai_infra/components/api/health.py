"""How the kubelet asks the api whether it serves."""

from __future__ import annotations

from typing import Literal

from archesai_infra.kube.probes import Probes, http_probe, tcp_probe
from archesai_infra.model import Model
from archesai_infra.types import Port, UrlPath


class Health(Model):
    """Probes of the api; builds differ in the route that tells their health."""

    kind: Literal["http", "tcp"] = "http"
    """`http` asks the path, which must answer with a status below 400; `tcp` only connects."""
    path: UrlPath = "/health"
    """Path that is asked."""
    port: Port | None = None
    """Port of the probes where it is not the server's own, 3001."""

    def probes(self, port: int) -> Probes:
        """The probes of a server on a port: five minutes to start, then out of the Service after 30 s of failures."""
        asked = self.port or port
        if self.kind == "http":
            startup = http_probe(self.path, asked, period=2, failures=150)
            readiness = http_probe(self.path, asked, period=10, failures=3)
        else:
            startup = tcp_probe(asked, period=2, failures=150)
            readiness = tcp_probe(asked, period=10, failures=3)
        # Liveness only connects: a database outage must not restart every pod.
        return Probes(startup=startup, readiness=readiness, liveness=tcp_probe(port, period=10, failures=6))
