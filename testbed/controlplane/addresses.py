"""A stand-in for an ingress controller and a load balancer: publishes addresses, moves no traffic."""

from __future__ import annotations

from testbed.controlplane.api import Api, Object

ADDRESS = "127.0.0.1"
_STATUS = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}


def publish_addresses(api: Api) -> None:
    """One pass: an address for each ingress of a class that exists and each LoadBalancer service."""
    classes = {one["metadata"]["name"] for one in api.list("networking.k8s.io/v1", "IngressClass")}
    for ingress in api.list("networking.k8s.io/v1", "Ingress"):
        if ingress["spec"].get("ingressClassName") in classes:
            _publish(api, ingress)
    for service in api.list("v1", "Service"):
        if service["spec"].get("type") == "LoadBalancer":
            _publish(api, service)


def _publish(api: Api, item: Object) -> None:
    if not item.get("status", {}).get("loadBalancer", {}).get("ingress"):
        api.patch(item, _STATUS, status=True)
