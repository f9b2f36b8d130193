"""Who the pods of charts talk to, in the namespaces that the stack makes for them."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.backups.velero import METRICS_PORT
from archesai_infra.components.database.cluster import network as cluster_network
from archesai_infra.components.ingress.certificates import SOLVER_LABELS, SOLVER_PORT
from archesai_infra.components.ingress.gateway import PUBLIC_PORTS, TRAEFIK_PORTS
from archesai_infra.components.ingress.watch import measured
from archesai_infra.components.monitoring import alertmanager, alloy, grafana, loki, prometheus
from archesai_infra.kube.chart_network import ChartNetwork, ChartPods
from archesai_infra.kube.labels import COMPONENT, NAME
from archesai_infra.kube.network import (
    API_PORTS,
    AZURE_HOST,
    Addresses,
    Entity,
    Flow,
    MadePods,
    NamespacePods,
    Peer,
    dns_rules,
    internet,
)
from archesai_infra.stack import backups
from archesai_infra.stack.flows import flows, flows_to_storage
from archesai_infra.stack.namespaces import chart_namespaces
from archesai_infra.stack.settings import Settings

_CERT_MANAGER_PORTS = {"webhook": 10250, "metrics": 9402}
_OPERATOR_WEBHOOK = 9443
_PLUGIN_PORT = 9090
"""The Barman Cloud plugin, which CloudNativePG's operator asks."""
_RELOADER_PORT = 8080
"""What reloads a server's configuration beside it; the Prometheus operator and kube-state-metrics have the same."""
_CONTROLLER_METRICS = {"traefik": 9100, "nginx": 10254}
_NODE_PORTS = (10250, 9100)
"""Kubelets and node exporters."""
_KUBE_SYSTEM = NamespacePods("kube-system")
"""On some clusters what the API server calls comes from agents there, such as konnectivity's."""
_ANYBODY = Addresses("anybody")
_ISSUERS = Addresses("issuers and hosts", excluded=(AZURE_HOST,))
_NODES = Addresses("nodes", excluded=(AZURE_HOST,))


def chart_network(settings: Settings, instance: str) -> ChartNetwork:
    """Pods and flows of all namespaces of charts that a stack makes."""
    dns = settings.security.dns
    resolving = dns_rules([peer.pods for peer in dns.peers], dns.ports, dns.cidrs)
    made = tuple(chart_namespaces(settings).values())
    closed = (settings.monitoring.namespace, prometheus.NODE_NAMESPACE, settings.backups.velero.namespace)
    return ChartNetwork(
        namespace=settings.namespace,
        instance=instance,
        pods=tuple(one for one in chart_pods(settings) if one.pods.namespace in made),
        flows=tuple(dict.fromkeys((*flows(settings), *chart_flows(settings)))),
        closed_inward=tuple(name for name in made if name in closed),
        knows_api_server=bool(settings.cluster.api_server_peers),
        resolving=resolving,
    )


def chart_pods(settings: Settings) -> Iterator[ChartPods]:
    """The pods that have flows, by the namespaces that charts would have."""
    yield ChartPods("velero", _velero(settings), resolves=True)
    yield ChartPods("cert-manager", _every_cert_manager(settings))
    yield ChartPods("cert-manager-controller", _cert_manager(settings, "controller"), resolves=True)
    yield ChartPods("cert-manager-webhook", _cert_manager(settings, "webhook"))
    if settings.ingress.controller.install and (controller := settings.ingress.controller_pods) is not None:
        yield ChartPods("traefik", controller)
    if (cluster := settings.database_cluster) is not None:
        yield ChartPods("operators", NamespacePods(cluster.operator_namespace))
        yield ChartPods("cloudnative-pg", cluster_network.operator(cluster), resolves=True)
        yield ChartPods("barman-cloud", _plugin(cluster.operator_namespace))
    watched = settings.monitoring
    yield ChartPods("prometheus", watched.prometheus_pods, resolves=True)
    yield ChartPods("alertmanager", _monitoring(settings, "alertmanager"), resolves=True)
    yield ChartPods("grafana", _grafana(settings), resolves=True)
    yield ChartPods("loki", watched.loki_pods, resolves=True)
    yield ChartPods("alloy", _monitoring(settings, "alloy"), resolves=True)
    yield ChartPods("operator", _operator(settings))
    yield ChartPods("kube-state-metrics", _monitoring(settings, "kube-state-metrics"))
    yield ChartPods("acme-solver", _solver(watched.namespace))


def chart_flows(settings: Settings) -> Iterator[Flow]:
    """Every connection of charts' pods besides those that have an end in the stack's own namespace."""
    if settings.ingress.enabled:
        yield from _controller(settings)
        yield from _certificates(settings)
    if settings.monitoring.installs:
        yield from _watching(settings)
        yield from _targets(settings)
        yield from _logs(settings)
        yield from _outside(settings)
    if settings.backups.enabled:
        yield from _asking(settings, _velero(settings))
        if not backups.in_own_storage(settings):
            yield Flow(_velero(settings), backups.bucket_peer(settings), (settings.backups.endpoint_port,))
        if settings.backups.velero.role_arn:
            yield Flow(_velero(settings), internet(settings.security.private_cidrs), (443,))
        if settings.monitoring.enabled:
            yield Flow(settings.monitoring.prometheus_pods, _velero(settings), (METRICS_PORT,))
    if (cluster := settings.database_cluster) is not None:
        namespace, operator = cluster.operator_namespace, cluster_network.operator(cluster)
        yield from _asking(settings, NamespacePods(namespace))
        yield from _called(settings, operator, _OPERATOR_WEBHOOK)
        yield Flow(operator, _plugin(namespace), (_PLUGIN_PORT,))


def _velero(settings: Settings) -> NamespacePods:
    """The server, the agents and what they start: all of them ask the API server and use the bucket."""
    return NamespacePods(settings.backups.velero.namespace)


def _every_cert_manager(settings: Settings) -> NamespacePods:
    return NamespacePods(settings.ingress.cert_manager.namespace)


def _cert_manager(settings: Settings, component: str) -> NamespacePods:
    return NamespacePods(settings.ingress.cert_manager.namespace, ((COMPONENT, component),))


def _plugin(namespace: str) -> NamespacePods:
    return NamespacePods(namespace, ((NAME, "plugin-barman-cloud"),))


def _monitoring(settings: Settings, name: str) -> NamespacePods:
    return NamespacePods(settings.monitoring.namespace, ((NAME, name),))


def _grafana(settings: Settings) -> NamespacePods:
    return NamespacePods(settings.monitoring.namespace, tuple(grafana.PODS.items()))


def _operator(settings: Settings) -> NamespacePods:
    return _monitoring(settings, f"{prometheus.RELEASE}-prometheus-operator")


def _solver(namespace: str) -> NamespacePods:
    return NamespacePods(namespace, tuple(SOLVER_LABELS.items()))


def _asking(settings: Settings, source: Peer) -> Iterator[Flow]:
    """To the API server, in each form that policies can name it."""
    yield from (Flow(source, peer, API_PORTS) for peer in settings.cluster.api_server_peers)


def _called(settings: Settings, target: NamespacePods, port: int) -> Iterator[Flow]:
    """From the API server to a webhook: its own address is not the one that pods ask."""
    yield from (Flow(source, target, (port,)) for source in (_ANYBODY, _KUBE_SYSTEM))
    if settings.cluster.cilium:
        yield from (Flow(Entity(name), target, (port,)) for name in ("kube-apiserver", "host", "remote-node"))


def _controller(settings: Settings) -> Iterator[Flow]:
    """Clients to our controller, and it to what routes lead to; the hosts in the stack's namespace are its flows."""
    controller = settings.ingress.controller_pods
    if controller is not None and settings.ingress.controller.install:
        yield from _asking(settings, controller)
        yield Flow(_ANYBODY, controller, TRAEFIK_PORTS)
        if settings.cluster.cilium:
            # Clients outside are addresses to Cilium too; what a node forwards comes from the node.
            yield from (Flow(Entity(name), controller, TRAEFIK_PORTS) for name in ("host", "remote-node"))
    certified = settings.ingress.tls.enabled and settings.ingress.tls.issuer is not None
    for peer in (*settings.ingress.controller_peers, *settings.ingress.controller_entities):
        if settings.url("grafana") is not None:
            yield Flow(peer, _grafana(settings), (grafana.POD_PORT,))
        if certified:
            yield Flow(peer, MadePods("acme-solver", tuple(SOLVER_LABELS.items())), (SOLVER_PORT,))
            yield Flow(peer, _solver(settings.monitoring.namespace), (SOLVER_PORT,))


def _certificates(settings: Settings) -> Iterator[Flow]:
    """cert-manager: it asks for certificates, and looks whether its own proof can be read at the host."""
    if not settings.ingress.cert_manager.install:
        return
    controller = _cert_manager(settings, "controller")
    yield from _asking(settings, _every_cert_manager(settings))
    yield from _called(settings, _cert_manager(settings, "webhook"), _CERT_MANAGER_PORTS["webhook"])
    yield Flow(controller, _ISSUERS, PUBLIC_PORTS)
    # Where the address of a load balancer is short-cut inside the cluster, its pods are at the other end.
    pods = settings.ingress.controller_pods
    if pods is not None:
        yield Flow(controller, pods, (*PUBLIC_PORTS, *TRAEFIK_PORTS))


def _watching(settings: Settings) -> Iterator[Flow]:
    """Inside the monitoring's namespace."""
    own = settings.monitoring.prometheus_pods
    manager, shown = _monitoring(settings, "alertmanager"), _grafana(settings)
    reader, state = _monitoring(settings, "alloy"), _monitoring(settings, "kube-state-metrics")
    for asking in (own, reader, state, _operator(settings)):
        yield from _asking(settings, asking)
    for source in (own, shown):
        yield Flow(source, manager, (alertmanager.PORT, _RELOADER_PORT))
        yield Flow(source, settings.monitoring.loki_pods, (loki.PORT,))
    yield Flow(shown, own, (prometheus.PORT,))
    yield Flow(own, shown, (grafana.POD_PORT,))
    yield Flow(own, reader, (alloy.PORT,))
    yield Flow(own, state, (_RELOADER_PORT,))
    yield Flow(own, _operator(settings), (_RELOADER_PORT,))
    yield Flow(reader, settings.monitoring.loki_pods, (loki.PORT,))


def _targets(settings: Settings) -> Iterator[Flow]:
    """What Prometheus scrapes outside of the stack's and its own namespace."""
    own, ingress = settings.monitoring.prometheus_pods, settings.ingress
    yield Flow(own, _NODES, _NODE_PORTS)
    if settings.cluster.cilium:
        yield from (Flow(own, Entity(name), _NODE_PORTS) for name in ("host", "remote-node"))
    controller, pods = measured(ingress), ingress.controller_pods
    if controller is not None and pods is not None:
        yield Flow(own, pods, (_CONTROLLER_METRICS[controller],))
    if ingress.enabled and ingress.tls.enabled and ingress.tls.issuer is not None:
        yield Flow(own, _cert_manager(settings, "controller"), (_CERT_MANAGER_PORTS["metrics"],))


def _logs(settings: Settings) -> Iterator[Flow]:
    if settings.monitoring.logs_in_object_storage:
        yield from flows_to_storage(settings, settings.monitoring.loki_pods)


def _outside(settings: Settings) -> Iterator[Flow]:
    """Receivers of alerts, and who signs people in at Grafana."""
    alerts, shown = settings.monitoring.alerts, settings.monitoring.grafana
    manager, public = _monitoring(settings, "alertmanager"), internet(settings.security.private_cidrs)
    yield Flow(manager, public, (443,))
    if alerts.email is not None:
        yield Flow(manager, public, (int(alerts.email.server.rpartition(":")[2]),))
    if shown.oidc is not None:
        yield Flow(_grafana(settings), public, (443,))
    for key, source, listed in (
        ("monitoring.alerts.egress", manager, alerts.egress),
        ("monitoring.grafana.egress", _grafana(settings), shown.egress),
    ):
        yield from (Flow(source, egress.peer(key), egress.ports) for egress in listed)
