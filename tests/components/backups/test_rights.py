"""What the service account that Velero's server and its agents share may do, as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pytest

from archesai_infra.components.backups import rights
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.stacks import shipped

READ, FOLLOW, CHANGE = "get list", "get list watch", "create delete get list patch update watch"
OWN = {
    f"{kind}.velero.io{part}": CHANGE
    for kind in [
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
    ]
    for part in ("", "/status")
}
ANYWHERE = {
    "namespaces": FOLLOW,
    "nodes": FOLLOW,
    "pods": "list watch",
    "persistentvolumes": "create get list patch watch",
    "clusterrolebindings.rbac.authorization.k8s.io": READ,
    "clusterroles.rbac.authorization.k8s.io": READ,
    "customresourcedefinitions.apiextensions.k8s.io": READ,
    "csidrivers.storage.k8s.io": FOLLOW,
    "storageclasses.storage.k8s.io": FOLLOW,
    "volumeattachments.storage.k8s.io": FOLLOW,
}
AT_HOME = OWN | {
    "secrets": "create get list patch update watch",
    "configmaps": CHANGE,
    "events": CHANGE,
    "persistentvolumeclaims": CHANGE,
    "pods": CHANGE,
    "pods/log": "get",
    "serviceaccounts": "get",
    "jobs.batch": CHANGE,
    "daemonsets.apps": FOLLOW,
    "deployments.apps": FOLLOW,
}


@pytest.fixture(scope="module")
def production() -> Evaluation:
    return shipped("prod")


def _granted(found: Evaluation, kind: str, namespace: str | None) -> dict[str, str]:
    """Verbs by resource, of the roles of this kind that the account is bound to there."""
    roles = {
        item["roleRef"]["name"]
        for item in _there(found, f"{kind}Binding", namespace)
        if any(subject["name"] == rights.ACCOUNT for subject in item["subjects"])
    }
    verbs: dict[str, set[str]] = defaultdict(set)
    for role in _there(found, kind, namespace):
        for rule in role["rules"] if role["metadata"]["name"] in roles else []:
            for resource in _resources(rule):
                verbs[resource] |= set(rule["verbs"])
    return {resource: " ".join(sorted(found)) for resource, found in verbs.items()}


def _there(found: Evaluation, kind: str, namespace: str | None) -> Iterable[Object]:
    return [item for item in found.objects if (item["kind"], item["metadata"].get("namespace")) == (kind, namespace)]


def _resources(rule: Object) -> Iterable[str]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            kind, slash, part = resource.partition("/")
            yield f"{kind}.{group}{slash}{part}" if group else resource


def test_of_the_whole_cluster_it_reads_no_secret_and_makes_volumes_alone(production: Evaluation) -> None:
    assert _granted(production, "ClusterRole", None) == ANYWHERE


def test_in_veleros_namespace_it_changes_what_backups_need_and_no_right(production: Evaluation) -> None:
    assert _granted(production, "Role", production.settings.backups.velero.namespace) == AT_HOME


def test_in_the_stacks_namespace_it_deletes_nothing_and_reads_no_secret(production: Evaluation) -> None:
    granted = _granted(production, "Role", production.settings.namespace)
    assert {verb for verbs in granted.values() for verb in verbs.split()} == {"get", "list", "create", "patch"}
    assert granted["secrets"] == granted["pods/exec"] == "create"
    assert not [resource for resource in granted if "role" in resource]


def test_it_has_roles_nowhere_else(production: Evaluation) -> None:
    bound = {
        item["metadata"]["namespace"]
        for item in production.objects
        if item["kind"] == "RoleBinding" and any(one["name"] == rights.ACCOUNT for one in item["subjects"])
    }
    assert bound == {production.settings.namespace, production.settings.backups.velero.namespace}
