"""What Velero may do, in place of the chart's binding to cluster-admin.

Of the cluster it reads what its server and its agents look at and makes volumes. In a stack's namespace it reads,
creates and patches the kinds that backups hold, and runs commands in the dump pod. In its own namespace it keeps its
objects and makes the pods that copy volumes. Read in the sources of Velero 1.18.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict, SubjectArgsDict

from archesai_infra.components.backups import dump
from archesai_infra.components.backups.kinds import SECRETS, VOLUMES, saved
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.rights import API_GROUP, account, cluster_rights, namespace_rights
from archesai_infra.kube.names import object_name

ACCOUNT = "velero-server"
"""The chart's service account, of the server and of the agent on each node."""
NAME = object_name("velero")
"""Name of the Roles, and of their bindings."""
_READ = ("get", "list")
_FOLLOW = (*_READ, "watch")
"""For kinds of the whole cluster, which the caches of Velero's server and agents hold."""
_CHANGE = (*_FOLLOW, "create", "update", "patch", "delete")
_SNAPSHOTS = "snapshot.storage.k8s.io"
_OWN = (
    "backuprepositories",
    "backups",
    "backupstoragelocations",
    "datadownloads",
    "datauploads",
    "deletebackuprequests",
    "downloadrequests",
    "podvolumebackups",
    "podvolumerestores",
    "restores",
    "schedules",
    "serverstatusrequests",
    "volumesnapshotlocations",
)
"""Velero's own kinds."""


def cluster_rules(settings: BackupsSettings) -> list[PolicyRuleArgsDict]:
    """Rights on objects that are in no namespace, and on the pods that an agent shares its node with."""
    rules = [
        _rule("", ("namespaces", "nodes"), _FOLLOW),
        # The agent's cache holds the pods of its node, of all namespaces.
        _rule("", ("pods",), ("list", "watch")),
        _rule("", (VOLUMES,), (*_FOLLOW, "create", "patch")),
        # A backup of service accounts looks for the bindings that name them.
        _rule(API_GROUP, ("clusterrolebindings", "clusterroles"), _READ),
        _rule("apiextensions.k8s.io", ("customresourcedefinitions",), _READ),
        _rule("storage.k8s.io", ("csidrivers", "storageclasses", "volumeattachments"), _FOLLOW),
    ]
    if settings.snapshots.enabled:
        # A snapshot becomes a volume in Velero's namespace, which is copied and goes.
        rules.append(_rule("", (VOLUMES,), ("update", "delete")))
        rules.append(_rule(_SNAPSHOTS, ("volumesnapshotclasses",), _FOLLOW))
        rules.append(_rule(_SNAPSHOTS, ("volumesnapshotcontents",), _CHANGE))
    return rules


def home_rules(settings: BackupsSettings) -> list[PolicyRuleArgsDict]:
    """Rights in Velero's own namespace."""
    rules = [
        _rule("velero.io", (*_OWN, *(f"{kind}/status" for kind in _OWN)), _CHANGE),
        # The bucket's keys and the repository's password; the server's cache lists all Secrets of the namespace.
        _rule("", (SECRETS,), (*_FOLLOW, "create", "update", "patch")),
        # Pods and claims of the copies under way, their messages, and Jobs that keep the repository small.
        _rule("", ("configmaps", "events", "persistentvolumeclaims", "pods"), _CHANGE),
        _rule("", ("pods/log", "serviceaccounts"), ("get",)),
        _rule("batch", ("jobs",), _CHANGE),
        _rule("apps", ("daemonsets", "deployments"), _FOLLOW),
    ]
    if settings.snapshots.enabled:
        rules.append(_rule(_SNAPSHOTS, ("volumesnapshots",), _CHANGE))
    return rules


def namespace_rules(settings: BackupsSettings) -> list[PolicyRuleArgsDict]:
    """Rights in the namespace of a stack."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for kind in saved(secrets=settings.secrets):
        if kind != VOLUMES:
            resource, _, group = kind.partition(".")
            kinds[group].append(resource)
    rules = [_rule(group, sorted(found), (*_READ, "create", "patch")) for group, found in sorted(kinds.items())]
    # Older backups hold Secrets, which a restore creates; it reads none of those that are there.
    rules.append(_rule("", (SECRETS,), ("create",)))
    rules.append(_rule("", ("pods/exec",), ("create",), names=(dump.POD,)))
    if settings.snapshots.enabled:
        rules.append(_rule(_SNAPSHOTS, ("volumesnapshots",), _CHANGE))
    return rules


def _rule(group: str, kinds: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()) -> PolicyRuleArgsDict:
    rule: PolicyRuleArgsDict = {"api_groups": [group], "resources": list(kinds), "verbs": list(verbs)}
    if names:
        rule["resource_names"] = list(names)
    return rule


def grant_cluster(
    component: Component, settings: BackupsSettings, after: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Create the rights of an installed Velero, but those in the stack's namespace; `after` makes its own namespace."""
    velero_namespace = settings.velero.namespace
    # Another Velero of the cluster is in another namespace.
    clusterwide = cluster_rights(
        component, "velero-role", f"{NAME}-{velero_namespace}", cluster_rules(settings), _subject(settings)
    )
    return [*clusterwide, *_inside(component, settings, velero_namespace, home_rules(settings), after)]


def grant_namespace(component: Component, settings: BackupsSettings) -> list[pulumi.Resource]:
    """Create the rights of Velero in the stack's namespace, also where the stack does not install it.

    They go with the namespace when that is lost; a restore makes them first.
    """
    return _inside(component, settings, component.context.namespace, namespace_rules(settings), ())


def _inside(
    component: Component,
    settings: BackupsSettings,
    namespace: str,
    rules: list[PolicyRuleArgsDict],
    after: Sequence[pulumi.Resource],
) -> list[pulumi.Resource]:
    """A Role in a namespace, and its binding."""
    part = "velero-home" if namespace == settings.velero.namespace else "velero-inside"
    return namespace_rights(component, part, NAME, namespace, rules, _subject(settings), after)


def _subject(settings: BackupsSettings) -> SubjectArgsDict:
    return account(ACCOUNT, settings.velero.namespace)
