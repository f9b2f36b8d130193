"""What the installed controller may read: of the cluster no Secret, of the namespaces with hosts what routes need.

The chart either gives a ClusterRole on every Secret or, with a Role for each namespace, switches off what finds the
Ingresses of a class. Traefik reads all Secrets of a namespace that it watches: it finds certificates by listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.rbac.v1 import (
    ClusterRole,
    ClusterRoleBinding,
    PolicyRuleArgsDict,
    Role,
    RoleBinding,
    SubjectArgsDict,
)

from archesai_infra.components.base.component import Component
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.labels import labels
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
    release_namespace = settings.controller.release_namespace
    subject: SubjectArgsDict = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": release_namespace}
    api_group, options = "rbac.authorization.k8s.io", component.child(depends_on=after)
    # Objects of the whole cluster: another stack's controller is in another namespace.
    name = f"{object_name('controller')}-{release_namespace}"
    metadata: ObjectMetaArgsDict = {"name": name, "labels": labels(component.module, component.context.instance)}
    made: list[pulumi.Resource] = [
        ClusterRole(
            f"{component.module}-controller", metadata=metadata, rules=cluster_rules(settings), opts=component.child()
        ),
        ClusterRoleBinding(
            f"{component.module}-controller-binding",
            metadata=metadata,
            role_ref={"api_group": api_group, "kind": "ClusterRole", "name": name},
            subjects=[subject],
            opts=component.child(),
        ),
    ]
    places = {component.context.namespace: "stack", release_namespace: "own"}
    for namespace in namespaces:
        place = places.get(namespace, "monitoring")
        inside = component.metadata(object_name("controller"))
        inside["namespace"] = namespace
        made.append(
            Role(
                f"{component.module}-controller-{place}",
                metadata=inside,
                rules=namespace_rules(settings),
                opts=options,
            )
        )
        made.append(
            RoleBinding(
                f"{component.module}-controller-{place}-binding",
                metadata=inside,
                role_ref={"api_group": api_group, "kind": "Role", "name": object_name("controller")},
                subjects=[subject],
                opts=options,
            )
        )
    return made
