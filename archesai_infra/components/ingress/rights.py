"""What the installed controller may read: of the cluster no Secret, of the namespaces with hosts what routes need.

The chart either gives a ClusterRole on every Secret or, with a Role for each namespace, switches off what finds the
Ingresses of a class. Traefik reads all Secrets of a namespace that it watches: it finds certificates by listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pulumi
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.rights import account, cluster_rights, namespace_rights
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name

ACCOUNT = "traefik"
"""The chart's service account."""
_READ = ("get", "list", "watch")
_TRAEFIK = (
    "ingressroutes",
    "ingressroutetcps",
    "ingressrouteudps",
    "middlewares",
    "middlewaretcps",
    "serverstransports",
    "serverstransporttcps",
    "tlsoptions",
    "tlsstores",
    "traefikservices",
)
_GATEWAY = ("backendtlspolicies", "gateways", "grpcroutes", "httproutes", "referencegrants", "tlsroutes")
"""Kinds that the provider follows; it fails to start without one of them."""
_WITH_STATUS = ("backendtlspolicies", "gateways", "grpcroutes", "httproutes", "tlsroutes")


def cluster_rules(settings: IngressSettings) -> list[PolicyRuleArgsDict]:
    """Rights on objects that are in no namespace."""
    rules = [_rule("", ("namespaces", "nodes"), _READ)]
    if settings.by_ingress:
        rules.append(_rule("networking.k8s.io", ("ingressclasses",), _READ))
    if settings.by_gateway:
        rules.append(_rule("gateway.networking.k8s.io", ("gatewayclasses",), _READ))
        rules.append(_rule("gateway.networking.k8s.io", ("gatewayclasses/status",), ("update",)))
    return rules


def namespace_rules(settings: IngressSettings) -> list[PolicyRuleArgsDict]:
    """Rights in each namespace that the controller watches."""
    rules = [
        _rule("", ("configmaps", "secrets", "services"), _READ),
        _rule("", ("pods",), ("get",)),
        _rule("discovery.k8s.io", ("endpointslices",), _READ),
        _rule("traefik.io", _TRAEFIK, _READ),
    ]
    if settings.by_ingress:
        rules.append(_rule("networking.k8s.io", ("ingresses",), _READ))
        rules.append(_rule("networking.k8s.io", ("ingresses/status",), ("update",)))
    if settings.by_gateway:
        rules.append(_rule("gateway.networking.k8s.io", _GATEWAY, _READ))
        rules.append(_rule("gateway.networking.k8s.io", [f"{kind}/status" for kind in _WITH_STATUS], ("update",)))
    return rules


def _rule(group: str, kinds: Iterable[str], verbs: Iterable[str]) -> PolicyRuleArgsDict:
    return {"api_groups": [group], "resources": list(kinds), "verbs": list(verbs)}


def grant(
    component: Component, settings: IngressSettings, namespaces: Sequence[str], after: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Create the controller's rights in these namespaces, which exist after the resources in `after`."""
    release_namespace, name = settings.controller.release_namespace, object_name("controller")
    subject = account(ACCOUNT, release_namespace)
    # Objects of the whole cluster: another stack's controller is in another namespace.
    made = cluster_rights(component, "controller", f"{name}-{release_namespace}", cluster_rules(settings), subject)
    places = {component.context.namespace: "stack", release_namespace: "own"}
    for namespace in namespaces:
        part = f"controller-{places.get(namespace, 'monitoring')}"
        made += namespace_rights(component, part, name, namespace, namespace_rules(settings), subject, after)
    return made
