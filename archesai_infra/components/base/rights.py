"""Roles of service accounts that charts make, and their bindings."""

from __future__ import annotations

from collections.abc import Sequence

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
from archesai_infra.kube.labels import labels

API_GROUP = "rbac.authorization.k8s.io"

Rules = Sequence[PolicyRuleArgsDict]


def account(name: str, namespace: str) -> SubjectArgsDict:
    """A service account, as bindings name it."""
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def cluster_rights(
    component: Component, part: str, name: str, rules: Rules, subject: SubjectArgsDict
) -> list[pulumi.Resource]:
    """A ClusterRole and its binding, both of this name; `part` ends their logical names."""
    metadata: ObjectMetaArgsDict = {"name": name, "labels": labels(component.module, component.context.instance)}
    role = ClusterRole(f"{component.module}-{part}", metadata=metadata, rules=rules, opts=component.child())
    binding = ClusterRoleBinding(
        f"{component.module}-{part}-binding",
        metadata=metadata,
        role_ref={"api_group": API_GROUP, "kind": "ClusterRole", "name": name},
        subjects=[subject],
        opts=component.child(),
    )
    return [role, binding]


def namespace_rights(
    component: Component,
    part: str,
    name: str,
    namespace: str,
    rules: Rules,
    subject: SubjectArgsDict,
    after: Sequence[pulumi.Resource],
) -> list[pulumi.Resource]:
    """A Role and its binding in a namespace that exists after the resources in `after`."""
    metadata = component.metadata(name, namespace=namespace)
    role = Role(f"{component.module}-{part}", metadata=metadata, rules=rules, opts=component.child(depends_on=after))
    binding = RoleBinding(
        f"{component.module}-{part}-binding",
        metadata=metadata,
        role_ref={"api_group": API_GROUP, "kind": "Role", "name": name},
        subjects=[subject],
        opts=component.child(depends_on=[*after, role]),
    )
    return [role, binding]
