"""Objects of Gateway API: one Gateway with a listener for each host, routes to Services, the redirect to HTTPS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archesai_infra.components.ingress import traefik
from archesai_infra.components.ingress.exposure import Exposure, tls_secret
from archesai_infra.components.ingress.gateway import NAME
from archesai_infra.components.ingress.limits import BODY_SIZE
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name

API_VERSION = "gateway.networking.k8s.io/v1"
POLICY_API_VERSION = "gateway.envoyproxy.io/v1alpha1"
HTTP = "http"
NAMESPACE_NAME = "kubernetes.io/metadata.name"


def gateway_spec(settings: IngressSettings, exposures: Sequence[Exposure], namespaces: Sequence[str]) -> dict[str, Any]:
    """Listeners for the hosts; routes in `namespaces` may use them."""
    names = {"key": NAMESPACE_NAME, "operator": "In", "values": list(namespaces)}
    allowed = {"namespaces": {"from": "Selector", "selector": {"matchExpressions": [names]}}}
    http, https = settings.gateway.ports
    listeners: list[dict[str, Any]] = [{"name": HTTP, "protocol": "HTTP", "port": http, "allowedRoutes": allowed}]
    if settings.tls.enabled:
        listeners += [
            {
                "name": listener(settings, exposure.module),
                "protocol": "HTTPS",
                "port": https,
                "hostname": exposure.host,
                "tls": {"mode": "Terminate", "certificateRefs": [{"name": tls_secret(settings, exposure.module)}]},
                "allowedRoutes": allowed,
            }
            for exposure in exposures
        ]
    return {"gatewayClassName": settings.gateway.class_name, "listeners": listeners}


def gateway_annotations(settings: IngressSettings) -> dict[str, str]:
    """What has Pulumi wait for a controller of the class, and cert-manager fill the Secret of each listener."""
    issuer = settings.tls.issuer
    certified = {"cert-manager.io/cluster-issuer": issuer} if settings.tls.enabled and issuer else {}
    # Not Programmed, which can need an address, nor the routes, which wait for certificates that need DNS records.
    return {"pulumi.com/waitFor": "condition=Accepted", **certified}


def listener(settings: IngressSettings, module: str) -> str:
    """Name of the listener of a module's host."""
    return f"https-{module}" if settings.tls.enabled else HTTP


def route_spec(settings: IngressSettings, exposure: Exposure, namespace: str) -> dict[str, Any]:
    """One host to one Service, from the Gateway in `namespace`."""
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": exposure.path}}],
        "filters": _filters(settings, exposure.module),
        "backendRefs": [{"name": exposure.service, "port": exposure.port}],
    }
    if settings.gateway.implementation == "envoy":
        # Without a word Envoy ends every answer after 15 seconds.
        rule["timeouts"] = {"request": "0s"}
    parent = {"name": NAME, "namespace": namespace, "sectionName": listener(settings, exposure.module)}
    return {"parentRefs": [parent], "hostnames": [exposure.host], "rules": [rule]}


def _filters(settings: IngressSettings, module: str) -> list[dict[str, Any]]:
    """Traefik's Middlewares, or the security headers in the words of every implementation."""
    if settings.gateway.implementation == "traefik":
        return [
            {
                "type": "ExtensionRef",
                "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": object_name(part)},
            }
            for part in traefik.used(settings, module)
        ]
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }
    if settings.tls.enabled:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    given = [{"name": name, "value": value} for name, value in headers.items()]
    return [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": given}}]


def redirect_spec(exposures: Sequence[Exposure], namespace: str) -> dict[str, Any]:
    """Plain requests go to HTTPS; the proof of a host to Let's Encrypt has a longer path and so comes first."""
    # Without a port it is the scheme's own; Traefik writes a port that is named into the address.
    redirect = {"scheme": "https", "statusCode": 301}
    return {
        "parentRefs": [{"name": NAME, "namespace": namespace, "sectionName": HTTP}],
        "hostnames": [exposure.host for exposure in exposures],
        "rules": [{"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]}],
    }


def traffic_policy_spec(settings: IngressSettings, module: str) -> dict[str, Any]:
    """Envoy Gateway's BackendTrafficPolicy of a module's route: the largest body, and WebSockets that may be idle."""
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": object_name(module)}
    spec: dict[str, Any] = {
        "targetRefs": [target],
        "timeout": {"http": {"connectionIdleTimeout": f"{settings.timeouts.read}s"}},
    }
    if module != "storage":
        spec["requestBuffer"] = {"limit": settings.body_size or BODY_SIZE}
    return spec


def solver(settings: IngressSettings, namespace: str, pods: dict[str, Any]) -> dict[str, Any]:
    """How cert-manager proves a host: by the API that the stack's hosts use, with `pods` added to either form."""
    if settings.api == "ingress":
        return {"ingress": {"ingressClassName": settings.class_name, **pods}}
    parent = {"name": NAME, "namespace": namespace, "kind": "Gateway", "sectionName": HTTP}
    return {"gatewayHTTPRoute": {"parentRefs": [parent], "serviceType": "ClusterIP", **pods}}
