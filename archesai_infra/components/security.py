"""What every stack has: its namespace, default deny, name resolution, a reader's role, quota, the pull secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import LimitRange, Namespace, ResourceQuota
from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding
from pulumi_kubernetes.scheduling.v1 import PriorityClass
from pydantic import Field

from archesai_infra.components.admission import Mode
from archesai_infra.components.base.component import FORCE, SKIP_AWAIT, Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.settings import Resources, resources
from archesai_infra.components.dns import Dns
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.cilium import API, KIND, entity_policies
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import connecting, deny_all_spec, dns_spec, made_connecting, resolving_pods
from archesai_infra.model import Model
from archesai_infra.types import Cidr, Hostname, ImageRepository, Text
from archesai_infra.versions import POD_SECURITY

MODULE = "security"
REGISTRIES = (
    "docker.io",
    "downloads.unstructured.io",
    "ghcr.io",
    "mcr.microsoft.com",
    "quay.io",
    "registry.k8s.io",
)
"""Registries of the images and charts that the program ships with."""
ROLE = object_name("role")


class Quota(Model):
    """Most that the namespace can take, as Kubernetes names it, such as `requests.cpu` or `pods`."""

    enabled: bool = False
    """Set a ResourceQuota."""
    hard: dict[str, Text] = Field(
        default_factory=lambda: {"requests.cpu": "20", "requests.memory": "40Gi", "pods": "100"}
    )
    """Amounts by resource name."""


class Limits(Model):
    """What containers get that name no resources of their own."""

    enabled: bool = False
    """Set a LimitRange."""
    resources: Resources = resources(("100m", "128Mi"), ("500m", "512Mi"))
    """Requests and limits of a container that has none."""


class Registry(Model):
    """The image registry that the pull secret is for."""

    server: Hostname = "ghcr.io"
    """Host name of the registry."""
    username: str | None = None
    """User of the registry; with `registryPassword` it makes the Secret `regcred`."""


class SecuritySettings(Model):
    """The namespace's own rules."""

    admission: Mode | None = None
    """ValidatingAdmissionPolicies for the stack's namespaces: `warn` reports what breaks a rule, `deny` refuses it."""
    registries: tuple[ImageRepository, ...] = REGISTRIES
    """Registries that images may come from, besides `images.registry`; production refuses others."""
    quota: Quota = Quota()
    """ResourceQuota of the namespace."""
    limits: Limits = Limits()
    """LimitRange of the namespace."""
    dns: Dns = Dns()
    """Where pods resolve names."""
    private_cidrs: tuple[Cidr, ...] = ()
    """Networks of nodes, pods and Services that have public addresses, as with IPv6: they are no internet for the api
    and the scraper."""
    user_namespaces: bool = False
    """Pods that mount no persistent volume get a user namespace of their own: a process that breaks out of one has no
    user on the node. Needs nodes of Linux 6.3 and containerd 2 or CRI-O; where they cannot do it, pods do not start."""
    registry: Registry = Registry()
    """Registry of the pull secret."""
    unprotected: tuple[Literal["backups", "database", "monitoring", "redis", "security", "storage"], ...] = ()
    """Modules whose data production may remove: after an `up` with it they can be switched off or replaced. `security`
    stands for the stack's namespace."""


@dataclass(frozen=True)
class SecurityArgs:
    """What the component is built from."""

    settings: SecuritySettings
    credentials: Credentials
    readers: tuple[str, ...]
    """Service accounts that may read pods, services and deployments."""


class Security(Component):
    """The namespace and its rules; every other component comes after it."""

    def __init__(self, context: Context, args: SecurityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Security", MODULE, context, opts)
        self.namespace = self._namespace()
        inside = self.child(depends_on=[self.namespace])
        self._policies(args.settings.dns, inside)
        self._role(args.readers, inside)
        self._quota(args.settings, inside)
        if context.scheduling.worker_priority is not None:
            self._worker_class(context.scheduling.worker_priority)
        if context.pull_secret is not None:
            self.pull_secret(context.namespace, "pull-secret", depends_on=[self.namespace])
        self.register_outputs({})

    def _namespace(self) -> Namespace:
        levels = {
            f"pod-security.kubernetes.io/{mode}{suffix}": value
            for mode in ("enforce", "audit", "warn")
            for suffix, value in (("", "restricted"), ("-version", POD_SECURITY))
        }
        return Namespace(
            "security-namespace",
            metadata={
                "name": self.context.namespace,
                "labels": labels(self.module, self.context.instance) | levels,
                "annotations": dict(FORCE),
            },
            opts=self.kept(),
        )

    def _policies(self, dns: Dns, opts: pulumi.ResourceOptions) -> None:
        NetworkPolicy(
            "security-default-deny",
            metadata=self.metadata(object_name("default-deny")),
            spec=deny_all_spec(),
            opts=opts,
        )
        flows, instance = self.context.flows, self.context.instance
        selected: dict[str, LabelSelectorArgsDict] = {}
        if resolving := connecting(flows):
            selected["dns"] = resolving_pods(resolving, instance)
        selected |= {f"dns-{pods.name}": pods.selector for pods in made_connecting(flows)}
        for part, selector in selected.items():
            NetworkPolicy(
                f"security-{part}",
                metadata=self.metadata(object_name(part)),
                spec=dns_spec(selector, [peer.pods for peer in dns.peers], dns.ports, dns.cidrs),
                opts=opts,
            )
        for pods, spec in entity_policies(instance, flows).items():
            CustomResource(
                f"security-cilium-{pods}",
                api_version=API,
                kind=KIND,
                metadata=self.metadata(object_name(f"cilium-{pods}")),
                spec=spec,
                opts=opts,
            )

    def _role(self, readers: tuple[str, ...], opts: pulumi.ResourceOptions) -> None:
        verbs = ["get", "list", "watch"]
        Role(
            "security-role",
            metadata=self.metadata(ROLE),
            rules=[
                {"api_groups": [""], "resources": ["pods", "services"], "verbs": verbs},
                {"api_groups": ["apps"], "resources": ["deployments"], "verbs": verbs},
            ],
            opts=opts,
        )
        if not readers:
            return
        RoleBinding(
            "security-role-binding",
            metadata=self.metadata(object_name("role-binding")),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE},
            subjects=[
                {"kind": "ServiceAccount", "name": reader, "namespace": self.context.namespace} for reader in readers
            ],
            opts=opts,
        )

    def _quota(self, settings: SecuritySettings, opts: pulumi.ResourceOptions) -> None:
        if settings.quota.enabled:
            ResourceQuota(
                "security-quota",
                metadata=self.metadata(object_name("quota"), SKIP_AWAIT),
                spec={"hard": settings.quota.hard},
                opts=opts,
            )
        if settings.limits.enabled:
            LimitRange(
                "security-limits",
                metadata=self.metadata(object_name("limits")),
                spec={
                    "limits": [
                        {
                            "type": "Container",
                            "default_request": settings.limits.resources.requests.quantities(),
                            "default": settings.limits.resources.limits.quantities(),
                        }
                    ]
                },
                opts=opts,
            )

    def _worker_class(self, value: int) -> None:
        """The class of pods that make way for all others; a value never changes in place."""
        options = self.child()
        options.delete_before_replace = True
        PriorityClass(
            "security-worker-class",
            metadata={
                "name": self.context.worker_priority_class,
                "labels": labels(self.module, self.context.instance),
            },
            value=value,
            preemption_policy="Never",
            description="Workers of Arches: data and the api go before them on a full node.",
            opts=options,
        )


def requirements(settings: SecuritySettings, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, each as `key: problem and cure`."""
    if (settings.registry.username is not None) == (Credential.REGISTRY_PASSWORD in given):
        return []
    if settings.registry.username is None:
        return ["registryPassword: needs the user it belongs to: set security.registry.username"]
    return ["security.registry.username: needs its password: arches config set registryPassword"]
