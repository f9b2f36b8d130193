"""The objects every rig starts with: nodes in three zones, a storage class, an ingress class, a cluster DNS."""

from __future__ import annotations

from testbed.controlplane.api import Object
from testbed.controlplane.volumes import PROVISIONER

ZONES = ("zone-a", "zone-b", "zone-c")
STORAGE_CLASS = "standard"
INGRESS_CLASS = "nginx"
_CAPACITY = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}


def nodes(count: int, kubelet_port: int, version: str) -> list[Object]:
    """Nodes `node-1` and so on, spread over the zones."""
    return [_node(number + 1, kubelet_port, version) for number in range(count)]


def _node(number: int, kubelet_port: int, version: str) -> Object:
    """A node for kwok to simulate; its address and port lead the API server to kwok for exec."""
    name = f"node-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": "region-1",
                "topology.kubernetes.io/zone": ZONES[(number - 1) % len(ZONES)],
            },
        },
        "status": {
            "capacity": _CAPACITY,
            "allocatable": _CAPACITY,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "simulated",
                "kernelVersion": "6.1.0",
                "containerRuntimeVersion": "simulated://1.0.0",
                "kubeletVersion": f"v{version}",
                "kubeProxyVersion": f"v{version}",
            },
        },
    }


def storage_class(name: str, *, reclaim: str, binding: str, default: bool = False) -> Object:
    """A class served by the provisioner stand-in, growable as the CSI drivers of the clouds are."""
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": PROVISIONER,
        "reclaimPolicy": reclaim,
        "volumeBindingMode": binding,
        "allowVolumeExpansion": True,
    }


def ingress_class(name: str) -> Object:
    """The class whose ingresses get an address."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": "tests/ingress"},
    }


def cluster_dns() -> list[Object]:
    """What a network policy that allows DNS selects; nothing here resolves names."""
    labels = {"k8s-app": "kube-dns"}
    metadata = {"name": "kube-dns", "namespace": "kube-system", "labels": labels}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    container = {"name": "dns", "image": "dns"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
    ]


def cluster_role_binding(user: str, role: str) -> Object:
    """A cluster role for a user in every namespace."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{user}-{role}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
