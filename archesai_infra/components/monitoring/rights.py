"""What the Prometheus operator and Prometheus may do, in place of the chart's rights on every Secret of the cluster.

The operator makes its servers in the monitoring's namespace alone, and reads there what they are made from. Elsewhere
it reads monitors and rules, and of the Secrets those that the stack's monitors name. Prometheus looks for its targets
in all namespaces, as the controller and cert-manager may be anywhere. Read in the operator's source, version 0.93.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.rights import account, cluster_rights, namespace_rights
from archesai_infra.components.monitoring.prometheus import RELEASE
from archesai_infra.kube.names import object_name

OPERATOR = f"{RELEASE}-operator"
"""The chart's service account of the operator."""
PROMETHEUS = f"{RELEASE}-prometheus"
"""The chart's service account of Prometheus."""
_GROUP = "monitoring.coreos.com"
_READ = ("get", "list", "watch")
_CHANGE = (*_READ, "create", "update", "patch", "delete")
_SELECTED = ("podmonitors", "probes", "prometheusrules", "scrapeconfigs", "servicemonitors")
"""Kinds that configure Prometheus; the namespaces that count are among the operator's arguments."""
_SERVERS = ("alertmanagers", "prometheuses")


def operator_cluster_rules() -> list[PolicyRuleArgsDict]:
    """Rights of the operator on the whole cluster: no content but monitors and rules."""
    return [
        _rule(_GROUP, _SELECTED, _READ),
        _rule("", ("namespaces",), _READ),
        _rule("storage.k8s.io", ("storageclasses",), ("get",)),
        # It asks whether it may write them anywhere, and writes none otherwise.
        _rule("events.k8s.io", ("events",), ("create", "patch")),
    ]


def operator_home_rules() -> list[PolicyRuleArgsDict]:
    """Rights of the operator where its servers run."""
    parts = [f"{server}/{part}" for server in _SERVERS for part in ("finalizers", "status")]
    return [
        _rule(_GROUP, _SERVERS, (*_READ, "update", "patch")),
        _rule(_GROUP, parts, ("update", "patch")),
        _rule(_GROUP, ("alertmanagerconfigs",), _READ),
        _rule("apps", ("statefulsets",), _CHANGE),
        _rule("", ("configmaps", "secrets", "services"), _CHANGE),
        _rule("", ("pods",), ("list", "delete")),
    ]


def prometheus_rules() -> list[PolicyRuleArgsDict]:
    """Rights of Prometheus: to find targets, and to read the kubelets' metrics."""
    return [
        _rule("", ("endpoints", "nodes", "pods", "services"), _READ),
        _rule("", ("nodes/metrics",), ("get",)),
        _rule("discovery.k8s.io", ("endpointslices",), _READ),
    ]


def _rule(group: str, kinds: Sequence[str], verbs: Sequence[str]) -> PolicyRuleArgsDict:
    return {"api_groups": [group], "resources": list(kinds), "verbs": list(verbs)}


def grant(
    component: Component, namespace: str, secrets: Sequence[str], after: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Create the rights of the servers in the monitoring's `namespace`, which exists after the resources in `after`.

    `secrets` are those of the stack's namespace that its monitors name.
    """
    operator, name = account(OPERATOR, namespace), object_name("prometheus-operator")
    # Objects of the whole cluster: another stack's monitoring is in another namespace.
    made = cluster_rights(component, "operator", f"{name}-{namespace}", operator_cluster_rules(), operator)
    made += namespace_rights(component, "operator-home", name, namespace, operator_home_rules(), operator, after)
    if secrets:
        named: PolicyRuleArgsDict = {**_rule("", ("secrets",), ("get",)), "resource_names": list(secrets)}
        made += namespace_rights(component, "operator-stack", name, component.context.namespace, [named], operator, [])
    reader = f"{object_name('prometheus')}-{namespace}"
    return made + cluster_rights(component, "prometheus", reader, prometheus_rules(), account(PROMETHEUS, namespace))
