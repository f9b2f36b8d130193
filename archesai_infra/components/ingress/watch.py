"""What monitoring is given about the way in: the controller's metrics, and the certificates of the hosts."""

from __future__ import annotations

from archesai_infra.components.base.watch.model import Watch
from archesai_infra.components.base.watch.monitors import MonitorSpec, pod_monitor
from archesai_infra.components.base.watch.panels import Panel, graph
from archesai_infra.components.base.watch.queries import any_of
from archesai_infra.components.base.watch.requests import RequestSeries
from archesai_infra.components.ingress.alerts import group
from archesai_infra.components.ingress.settings import IngressSettings

_CERT_MANAGER = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}


def watch(settings: IngressSettings, namespace: str, namespaces: tuple[str, ...], certificate_days: int) -> Watch:
    """Panels on the requests of the stack in `namespace`; alerts on the certificates in `namespaces` and its own.

    A certificate that ends within `certificate_days` days is near its end.
    """
    controller, pods = measured(settings), settings.controller_pods
    monitors: dict[str, MonitorSpec] = {}
    own: tuple[str, ...] = ()
    if controller is not None and pods is not None:
        monitors["ingress-controller"] = pod_monitor(pods.namespace, dict(pods.labels), "metrics")
        own = (pods.namespace,)
    certified = settings.enabled and settings.tls.enabled and settings.tls.issuer is not None
    issuer_namespace = settings.cert_manager.namespace
    if certified:
        monitors["cert-manager"] = pod_monitor(issuer_namespace, _CERT_MANAGER, "http-metrics")
    return Watch(
        groups=(group(any_of(*namespaces, *own), certificate_days),) if certified else (),
        panels=_panels(controller, namespace),
        pod_monitors=monitors,
        volume_namespaces=own,
        target_namespaces=(issuer_namespace,) if certified else (),
    )


def measured(settings: IngressSettings) -> str | None:
    """`traefik` or `nginx`, where the controller's metrics are known."""
    controller = "traefik" if settings.controller.install else settings.class_name
    known = settings.enabled and controller in ("traefik", "nginx") and settings.controller_pods is not None
    return controller if known else None


def requests(settings: IngressSettings, namespace: str, service: str) -> RequestSeries | None:
    """The requests of one Service's host as the controller counts them; None where its metrics are not known."""
    match measured(settings):
        case "traefik":
            # Traefik names a service <namespace>-<service>-<port>@<provider>.
            own = f'service=~"{namespace}-(.*-)?{service}-.*"'
            return RequestSeries(
                "traefik_service_requests_total", "traefik_service_request_duration_seconds", own, "code", namespace
            )
        case "nginx":
            own = f'namespace="{namespace}",ingress="{service}"'
            return RequestSeries(
                "nginx_ingress_controller_requests",
                "nginx_ingress_controller_request_duration_seconds",
                own,
                "status",
                namespace,
            )
        case _:
            return None


def _panels(controller: str | None, namespace: str) -> tuple[Panel, ...]:
    if controller == "traefik":
        # Traefik names a service <namespace>-<service>-<port>@kubernetes.
        own = f'service=~"{namespace}-.*"'
        answered = f"sum by (code) (rate(traefik_service_requests_total{{{own}}}[5m]))"
        buckets = f"traefik_service_request_duration_seconds_bucket{{{own}}}"
        by, legend, status = "service", "{{service}}", "{{code}}"
    elif controller == "nginx":
        own = f'namespace="{namespace}"'
        answered = f"sum by (status) (rate(nginx_ingress_controller_requests{{{own}}}[5m]))"
        buckets = f"nginx_ingress_controller_request_duration_seconds_bucket{{{own}}}"
        by, legend, status = "ingress", "{{ingress}}", "{{status}}"
    else:
        return ()
    latency = f"histogram_quantile(0.95, sum by ({by}, le) (rate({buckets}[5m])))"
    return (
        graph("Ingress, requests by status", answered, status, "reqps", width=12),
        graph("Ingress, 95th percentile", latency, legend, "s", width=12),
    )
