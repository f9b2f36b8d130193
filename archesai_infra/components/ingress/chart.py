"""Values of the chart of the controller that the stack installs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.components.base.watch.requests import LATENCY_BUCKETS
from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.components.ingress.traefik import HEADERS
from archesai_infra.kube.names import object_name

CHART = "traefik"
"""Name of the release."""
ENTRY_POINTS = ("web", "websecure")
PODS = {"app.kubernetes.io/name": "traefik"}
DRAIN_SECONDS = 10
"""How long a pod that ends still takes connections, until load balancers know; Traefik needs no preStop for that."""
GRACE_SECONDS = 45
"""How long it then lets answers come to their end; both together are below the chart's 60 s until SIGKILL."""


def watched(settings: IngressSettings, namespaces: tuple[str, ...]) -> tuple[str, ...]:
    """Namespaces that the controller reads: those with hosts and, where it tells its address to them, its own."""
    tells = settings.speaks_traefik or settings.by_gateway
    return tuple(dict.fromkeys((*namespaces, *((settings.controller.release_namespace,) if tells else ()))))


def chart_values(settings: IngressSettings, mirror: str | None, namespaces: tuple[str, ...]) -> dict[str, Any]:
    """Values of the Traefik chart for hosts in these namespaces; the first is the stack's own."""
    controller = settings.controller
    everywhere = list(watched(settings, namespaces))
    values: dict[str, Any] = {
        "deployment": {"replicas": controller.replicas},
        "ingressClass": _class_values(settings),
        "providers": {
            # A route of another namespace could take over a host of the stack by a longer path.
            "kubernetesIngressNGINX": _nginx_provider(settings, namespaces),
            "kubernetesIngress": {
                "enabled": settings.by_ingress and settings.speaks_traefik,
                "namespaces": everywhere,
            },
            "kubernetesCRD": {"namespaces": list(namespaces), "defaultTLSResourcesNamespace": namespaces[0]},
        },
        # Our own, see `rights`.
        "rbac": {"enabled": False},
        "service": service_values(controller),
        # Bodies are received on the disk before a pod sees them.
        # One bound has to be that of a good answer, or no objective could be measured.
        "metrics": {"prometheus": {"buckets": ",".join(f"{bound:g}" for bound in LATENCY_BUCKETS)}},
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "8Gi"},
        },
        "additionalArguments": arguments(settings, namespaces[0]),
    }
    if settings.by_gateway:
        # The stack makes the Gateway, with a listener for each of its hosts, and the class.
        values["providers"]["kubernetesGateway"] = {"enabled": True, "namespaces": everywhere}
        values |= {"gateway": {"enabled": False}, "gatewayClass": {"enabled": False}}
    if settings.by_ingress and settings.speaks_traefik:
        values["providers"]["kubernetesIngress"]["ingressClass"] = settings.class_name
    if controller.replicas > 1:
        values["podDisruptionBudget"] = {"enabled": True, "maxUnavailable": 1}
        values["topologySpreadConstraints"] = [
            _spread("kubernetes.io/hostname"),
            _spread("topology.kubernetes.io/zone"),
        ]
    if settings.tls.enabled and settings.by_ingress and not settings.by_gateway:
        # With Gateway API a route redirects, and the proof of a host to Let's Encrypt has to be answered plainly.
        redirect = {"to": "websecure", "scheme": "https", "permanent": True}
        values["ports"] = {"web": {"http": {"redirections": {"entryPoint": redirect}}}}
    if mirror is not None:
        values["image"] = {"registry": mirror}
    return _merged(values, controller.values)


def class_values(settings: IngressSettings) -> dict[str, Any]:
    """The chart's values for the class that it makes, with what the stack file lays over them."""
    return _merged({"ingressClass": _class_values(settings)}, settings.controller.values)["ingressClass"]


def _class_values(settings: IngressSettings) -> dict[str, Any]:
    # A class of its own name for class nginx is made beside the chart; no class is the cluster's default.
    own = settings.by_ingress and settings.speaks_traefik
    return {"enabled": own, "isDefaultClass": False} | ({"name": settings.class_name} if own else {})


def _nginx_provider(settings: IngressSettings, namespaces: tuple[str, ...]) -> dict[str, Any]:
    enabled = {"enabled": settings.by_ingress and not settings.speaks_traefik}
    if len(namespaces) == 1:
        return enabled | {"watchNamespace": namespaces[0]}
    # It looks for the namespaces once, when it starts.
    return enabled | {"watchNamespaceSelector": f"kubernetes.io/metadata.name in ({','.join(namespaces)})"}


def service_values(controller: Controller) -> dict[str, Any]:
    """The Service in front of the controller."""
    service = controller.service
    spec: dict[str, Any] = {"type": controller.service_type}
    if controller.service_type != "ClusterIP":
        spec["externalTrafficPolicy"] = service.external_traffic_policy
    if controller.service_type == "LoadBalancer":
        given = {
            "loadBalancerClass": service.load_balancer_class,
            "loadBalancerIP": service.address,
            "loadBalancerSourceRanges": list(service.source_ranges),
        }
        spec |= {key: value for key, value in given.items() if value}
    return {"spec": spec} | ({"annotations": dict(service.annotations)} if service.annotations else {})


def arguments(settings: IngressSettings, namespace: str) -> list[str]:
    """What Traefik is started with beside the chart's own arguments: the chart has moved such keys more than once."""
    controller = settings.controller
    found: list[str] = []
    for name in ENTRY_POINTS:
        point = f"--entrypoints.{name}"
        found += [
            f"{point}.transport.respondingtimeouts.readtimeout={settings.timeouts.request}s",
            f"{point}.transport.lifecycle.requestacceptgracetimeout={DRAIN_SECONDS}s",
            f"{point}.transport.lifecycle.gracetimeout={GRACE_SECONDS}s",
        ]
        if controller.trusted_proxies:
            option = "proxyprotocol" if controller.proxy_protocol else "forwardedheaders"
            found.append(f"{point}.{option}.trustedips={','.join(controller.trusted_proxies)}")
    if settings.by_ingress and not settings.speaks_traefik:
        # Annotations of ingress-nginx name no Middleware; without HTTPS these headers go with plain answers.
        point = "websecure" if settings.tls.enabled else "web"
        found.append(f"--entrypoints.{point}.http.middlewares={namespace}-{object_name(HEADERS)}@kubernetescrd")
    if controller.access_log:
        found += ["--accesslog=true", "--accesslog.format=json"]
    return found


def _spread(domain: str) -> dict[str, Any]:
    """Pods on different nodes and in different zones where there are several."""
    return {
        "maxSkew": 1,
        "topologyKey": domain,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": PODS},
    }


def _merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others laid over them, key by key."""
    merged = dict(values)
    for key, value in more.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
