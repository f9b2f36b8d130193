"""The one table of kinds and their API paths."""

from __future__ import annotations

_COLLECTIONS = {
    "Namespace": ("/api/v1", "namespaces"),
    "Node": ("/api/v1", "nodes"),
    "PersistentVolume": ("/api/v1", "persistentvolumes"),
    "Pod": ("/api/v1", "pods"),
    "Event": ("/api/v1", "events"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "LimitRange": ("/api/v1", "limitranges"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "ControllerRevision": ("/apis/apps/v1", "controllerrevisions"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "IngressClass": ("/apis/networking.k8s.io/v1", "ingressclasses"),
    "GatewayClass": ("/apis/gateway.networking.k8s.io/v1", "gatewayclasses"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"),
    "Certificate": ("/apis/cert-manager.io/v1", "certificates"),
    "Cluster": ("/apis/postgresql.cnpg.io/v1", "clusters"),
    "Pooler": ("/apis/postgresql.cnpg.io/v1", "poolers"),
    "Backup": ("/apis/velero.io/v1", "backups"),
    "BackupStorageLocation": ("/apis/velero.io/v1", "backupstoragelocations"),
    "PodVolumeBackup": ("/apis/velero.io/v1", "podvolumebackups"),
    "Restore": ("/apis/velero.io/v1", "restores"),
    "Schedule": ("/apis/velero.io/v1", "schedules"),
    "ObjectStore": ("/apis/barmancloud.cnpg.io/v1", "objectstores"),
    "SelfSubjectAccessReview": ("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews"),
}
"""Path of the API version, and plural name, of every kind that a command reads or writes."""


def path(kind: str, namespace: str = "", name: str = "") -> str:
    """Path of a collection, or with a name of one object in it; `namespace` is empty for kinds of the whole cluster."""
    group, plural = _COLLECTIONS[kind]
    return "/".join([group, *(["namespaces", namespace] if namespace else []), plural, *([name] if name else [])])


def api_version(kind: str) -> str:
    """API version of a kind, such as `apps/v1`."""
    return _COLLECTIONS[kind][0].removeprefix("/apis/").removeprefix("/api/")


def group_path(version: str) -> str:
    """Path of an API version."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
