"""The way in: an Ingress for each host, certificates, and optionally the controller and cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.networking.v1 import Ingress as KubernetesIngress
from pulumi_kubernetes.networking.v1 import IngressClass, IngressSpecArgsDict, NetworkPolicy
from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from archesai_infra import versions
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import SKIP_AWAIT, Component, Context
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import NamespacePods, policy_port_spec
from archesai_infra.model import Model
from archesai_infra.quantities import memory_bytes
from archesai_infra.types import DnsLabel, Email, MemoryQuantity, Text

MODULE = "ingress"
SOLVER_PORT = 8089
"""Port of cert-manager's HTTP-01 solver pods, which appear in the stack's own namespace."""
SOLVER_LABELS = {"acme.cert-manager.io/http01-solver": "true"}
EXPRESSED = {"body_size": ("nginx", "traefik"), "rate_limit": ("nginx", "traefik"), "timeouts": ("nginx",)}
"""Settings that not every class has words for, and those that have."""
ACME = {
    "letsencrypt-prod": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}


class Hosts(Model):
    """First part of each module's host name; null keeps a module inside the cluster."""

    api: DnsLabel | None = "api"
    """Host of the api."""
    platform: DnsLabel | None = "platform"
    """Host of the platform."""
    storage: DnsLabel | None = None
    """Host of the object storage's S3 port, for presigned URLs."""
    grafana: DnsLabel | None = "grafana"
    """Host of Grafana, where the stack runs it."""


class RateLimit(Model):
    """Requests that one client address may make."""

    requests_per_second: int = Field(default=10, ge=1)
    """Sustained rate."""
    burst: int = Field(default=20, ge=1)
    """Requests at once above that rate."""


class Timeouts(Model):
    """Patience with the pods behind the controller."""

    connect: int = Field(default=10, ge=1)
    """To connect, in seconds."""
    send: int = Field(default=30, ge=1)
    """Between two writes, in seconds."""
    read: int = Field(default=30, ge=1)
    """Between two reads, in seconds."""


class Tls(Model):
    """Certificates of the hosts."""

    enabled: bool = False
    """Serve HTTPS and redirect to it."""
    issuer: DnsLabel | None = None
    """ClusterIssuer of cert-manager that makes a certificate for each host."""
    existing_secret: DnsLabel | None = None
    """TLS Secret for all hosts, made by others."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.enabled and (self.issuer is None) == (self.existing_secret is None):
            raise ValueError("needs one of issuer (such as letsencrypt-prod) and existingSecret, and not both")
        return self


class ClusterIssuer(Model):
    """A ClusterIssuer for Let's Encrypt."""

    create: bool = False
    """Create the ClusterIssuer that `tls.issuer` names: letsencrypt-staging or letsencrypt-prod."""
    email: Email | None = None
    """Address that Let's Encrypt warns before a certificate expires."""


class Controller(Model):
    """The ingress controller that serves the class."""

    install: bool = False
    """Install Traefik as a Helm release; it also serves class nginx and its annotations."""
    namespace: DnsLabel | None = None
    """Namespace of the controller's pods; `ingress` for ours, else where the class's controller usually lives."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the controller's pods; the only pods that network policies let in."""
    replicas: int = Field(default=1, ge=1)
    """Pods of our controller."""
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    """How our controller is reached from outside."""


class CertManager(Model):
    """cert-manager."""

    install: bool = False
    """Install it as a Helm release."""
    namespace: DnsLabel = "cert-manager"
    """Its namespace."""
    replicas: int = Field(default=1, ge=1)
    """Pods of its controller and its webhook."""


class IngressSettings(Model):
    """The way in from outside the cluster."""

    enabled: bool = False
    """Run the module."""
    class_name: DnsLabel = "nginx"
    """IngressClass: nginx, traefik (without timeouts), or any other without body size, rate limit and timeouts."""
    hosts: Hosts = Hosts()
    """Host names below the stack's domain."""
    tls: Tls = Tls()
    """Certificates."""
    cluster_issuer: ClusterIssuer = ClusterIssuer()
    """The certificates' issuer."""
    body_size: MemoryQuantity = "50Mi"
    """Largest request body."""
    rate_limit: RateLimit = RateLimit()
    """Requests per client."""
    timeouts: Timeouts = Timeouts()
    """Patience with the pods."""
    annotations: dict[str, Text] = Field(default_factory=dict)
    """More annotations for every Ingress; they win over ours."""
    controller: Controller = Controller()
    """The controller."""
    cert_manager: CertManager = CertManager()
    """cert-manager."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, classes in EXPRESSED.items():
            if field in self.model_fields_set and self.class_name not in classes:
                name, able = to_camel(field), " or ".join(classes)
                raise ValueError(f"{name} cannot be expressed for class {self.class_name}: use {able}, or annotations")
        if self.controller.install and self.class_name not in ("nginx", "traefik"):
            raise ValueError(f"controller.install serves className nginx or traefik (got {self.class_name})")
        if self.cluster_issuer.create:
            if self.tls.issuer not in ACME:
                raise ValueError(f"clusterIssuer.create needs tls.issuer to be one of {', '.join(sorted(ACME))}")
            if self.cluster_issuer.email is None:
                raise ValueError("clusterIssuer.create needs clusterIssuer.email")
        return self

    @property
    def controller_pods(self) -> NamespacePods:
        """The controller, as network policies see it."""
        usual = {"nginx": ("ingress-nginx", "ingress-nginx"), "traefik": ("traefik", "traefik")}
        namespace, name = usual.get(self.class_name, (self.class_name, self.class_name))
        if self.controller.install:
            namespace, name = "ingress", "traefik"
        pod_labels = self.controller.pod_labels or {"app.kubernetes.io/name": name}
        return NamespacePods(self.controller.namespace or namespace, tuple(sorted(pod_labels.items())))

    def url(self, host: str, domain: str) -> str:
        """Public URL of a host below the domain."""
        return f"{'https' if self.tls.enabled else 'http'}://{host}.{domain}"


@dataclass(frozen=True)
class Exposure:
    """A Service that gets a host of its own."""

    module: str
    host: str
    """Whole host name."""
    service: str
    port: int


@dataclass(frozen=True)
class IngressArgs:
    """What the component is built from."""

    settings: IngressSettings
    exposures: tuple[Exposure, ...]
    charts: charts.ChartsSettings


def ingress_annotations(settings: IngressSettings, namespace: str) -> dict[str, str]:
    """The class's own words for TLS, body size, rate limit and timeouts."""
    built: dict[str, str] = {}
    if settings.class_name == "nginx":
        built = _nginx_annotations(settings)
    elif settings.class_name == "traefik":
        names = [f"{namespace}-{object_name(part)}@kubernetescrd" for part in middlewares(settings)]
        built = {
            "traefik.ingress.kubernetes.io/router.middlewares": ",".join(names),
            "traefik.ingress.kubernetes.io/router.entrypoints": "websecure" if settings.tls.enabled else "web",
        }
    if settings.tls.enabled and settings.tls.issuer:
        built["cert-manager.io/cluster-issuer"] = settings.tls.issuer
    return built | settings.annotations


def _nginx_annotations(settings: IngressSettings) -> dict[str, str]:
    limit = settings.rate_limit
    values = {
        "proxy-body-size": str(memory_bytes(settings.body_size)),
        "limit-rps": str(limit.requests_per_second),
        "limit-burst-multiplier": str(max(1, round(limit.burst / limit.requests_per_second))),
        "proxy-connect-timeout": str(settings.timeouts.connect),
        "proxy-send-timeout": str(settings.timeouts.send),
        "proxy-read-timeout": str(settings.timeouts.read),
        "ssl-redirect": str(settings.tls.enabled).lower(),
    }
    return {f"nginx.ingress.kubernetes.io/{name}": value for name, value in values.items()}


def middlewares(settings: IngressSettings) -> dict[str, dict[str, Any]]:
    """Traefik's Middlewares by name: what its Ingresses refer to."""
    limit = settings.rate_limit
    headers: dict[str, Any] = {"contentTypeNosniff": True, "frameDeny": True, "referrerPolicy": "same-origin"}
    if settings.tls.enabled:
        headers |= {"stsSeconds": 31536000, "stsIncludeSubdomains": True}
    return {
        "rate-limit": {
            "rateLimit": {"average": limit.requests_per_second, "burst": limit.burst, "period": "1s"},
        },
        "body-size": {"buffering": {"maxRequestBodyBytes": memory_bytes(settings.body_size)}},
        "headers": {"headers": headers},
        "compress": {"compress": {}},
    }


def ingress_spec(settings: IngressSettings, exposure: Exposure) -> IngressSpecArgsDict:
    """One host to one Service."""
    spec: IngressSpecArgsDict = {
        "ingress_class_name": settings.class_name,
        "rules": [
            {
                "host": exposure.host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {"service": {"name": exposure.service, "port": {"number": exposure.port}}},
                        }
                    ]
                },
            }
        ],
    }
    if settings.tls.enabled:
        secret = settings.tls.existing_secret or f"{object_name(exposure.module)}-tls"
        spec["tls"] = [{"hosts": [exposure.host], "secret_name": secret}]
    return spec


class Ingress(Component):
    """Ingresses for the modules that have a host, and what serves them."""

    def __init__(
        self, name: str, context: Context, args: IngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Ingress", name, context, opts)
        settings = args.settings
        ready: list[pulumi.Resource] = []
        if settings.controller.install:
            ready += self._controller(settings, args.charts)
        issuers = self._issuers(settings, args.charts)
        if settings.class_name == "traefik":
            ready += self._middlewares(settings, ready)
        for exposure in args.exposures:
            KubernetesIngress(
                f"{self.module}-{exposure.module}",
                metadata=self.metadata(
                    object_name(exposure.module), SKIP_AWAIT | ingress_annotations(settings, context.namespace)
                ),
                spec=ingress_spec(settings, exposure),
                opts=self.child(depends_on=[*ready, *issuers]),
            )
        if settings.tls.enabled and settings.tls.issuer:
            NetworkPolicy(
                f"{self.module}-acme-solver",
                metadata=self.metadata(object_name("acme-solver")),
                spec=policy_port_spec(SOLVER_LABELS, settings.controller_pods, SOLVER_PORT),
                opts=self.child(),
            )
        self.register_outputs({})

    def _controller(self, settings: IngressSettings, where: charts.ChartsSettings) -> list[pulumi.Resource]:
        home = settings.controller_pods.namespace
        namespace = charts.chart_namespace(self, home)
        values = traefik_values(settings, self.context.mirror)
        chart = charts.Chart("traefik", home, versions.TRAEFIK_CHART, values)
        release = charts.install(self, chart, where, depends_on=[namespace])
        if settings.class_name != "nginx":
            return [release]
        # The chart makes only its own class.
        nginx = IngressClass(
            f"{self.module}-class-nginx",
            metadata={"name": "nginx", "labels": labels(self.module, self.context.instance)},
            spec={"controller": "k8s.io/ingress-nginx"},
            opts=self.clusterwide(),
        )
        return [release, nginx]

    def _issuers(self, settings: IngressSettings, where: charts.ChartsSettings) -> list[pulumi.Resource]:
        ready: list[pulumi.Resource] = []
        if settings.cert_manager.install:
            home = settings.cert_manager.namespace
            namespace = charts.chart_namespace(self, home)
            values = cert_manager_values(settings.cert_manager, self.context.mirror)
            chart = charts.Chart("cert-manager", home, versions.CERT_MANAGER_CHART, values)
            ready.append(charts.install(self, chart, where, depends_on=[namespace]))
        if settings.cluster_issuer.create and settings.tls.issuer:
            ready.append(self._cluster_issuer(settings, settings.tls.issuer, ready))
        return ready

    def _cluster_issuer(
        self, settings: IngressSettings, issuer: str, after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:

        solver = {"http01": {"ingress": {"ingressClassName": settings.class_name}}}
        acme = {
            "server": ACME[issuer],
            "email": settings.cluster_issuer.email,
            "privateKeySecretRef": {"name": issuer},
            "solvers": [solver],
        }
        return CustomResource(
            f"{self.module}-cluster-issuer",
            api_version="cert-manager.io/v1",
            kind="ClusterIssuer",
            metadata={"name": issuer, "labels": labels(self.module, self.context.instance)},
            spec={"acme": acme},
            # Not `clusterwide`: only the provider that installed the chart knows the kind at once.
            opts=self.child(depends_on=after),
        )

    def _middlewares(self, settings: IngressSettings, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:

        return [
            CustomResource(
                f"{self.module}-{part}",
                api_version="traefik.io/v1alpha1",
                kind="Middleware",
                metadata=self.metadata(object_name(part)),
                spec=spec,
                opts=self.child(depends_on=after),
            )
            for part, spec in middlewares(settings).items()
        ]


def traefik_values(settings: IngressSettings, mirror: str | None) -> dict[str, Any]:
    """Values of the Traefik chart."""
    controller = settings.controller
    values: dict[str, Any] = {
        "deployment": {"replicas": controller.replicas},
        "providers": {"kubernetesIngressNGINX": {"enabled": settings.class_name == "nginx"}},
        "service": {"spec": {"type": controller.service_type}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    }
    if controller.replicas > 1:
        values["podDisruptionBudget"] = {"enabled": True, "maxUnavailable": 1}
    if settings.tls.enabled:
        redirect = {"to": "websecure", "scheme": "https", "permanent": True}
        values["ports"] = {"web": {"http": {"redirections": {"entryPoint": redirect}}}}
    if mirror is not None:
        values["image"] = {"registry": mirror}
    return values


def cert_manager_values(settings: CertManager, mirror: str | None) -> dict[str, Any]:
    """Values of the cert-manager chart."""
    resources = {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    budget = {"enabled": True, "maxUnavailable": 1} if settings.replicas > 1 else {"enabled": False}
    values: dict[str, Any] = {
        "crds": {"enabled": True, "keep": True},
        "global": {"leaderElection": {"namespace": settings.namespace}},
        "replicaCount": settings.replicas,
        "podDisruptionBudget": budget,
        "resources": resources,
        "webhook": {"replicaCount": settings.replicas, "podDisruptionBudget": budget, "resources": resources},
        "cainjector": {"replicaCount": settings.replicas, "podDisruptionBudget": budget, "resources": resources},
        "startupapicheck": {"resources": resources},
    }
    if mirror is not None:
        values["imageRegistry"] = mirror
    return values
