"""The cluster's name servers, as network policies have to name them."""

from __future__ import annotations

from pydantic import Field

from archesai_infra.components.base.peers import PodPeer
from archesai_infra.model import Model
from archesai_infra.types import Cidr, Port


def _pods(namespace: str, label: str, value: str) -> PodPeer:
    return PodPeer.model_validate({"namespace": namespace, "podLabels": {label: value}})


PODS = (
    _pods("kube-system", "k8s-app", "kube-dns"),
    _pods("kube-system", "k8s-app", "node-local-dns"),
    _pods("openshift-dns", "dns.operator.openshift.io/daemonset-dns", "default"),
)
"""DNS pods of nearly every distribution, GKE's caches that are pods, and OpenShift's."""
PORTS = (53, 5353, 8053)
"""What DNS pods listen on: the usual port, OpenShift's and Gardener's."""
DNS_SERVICES = {
    ("kube-system", "kube-dns"),
    ("openshift-dns", "dns-default"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("kube-system", "coredns"),
}
"""Namespace and name of the Services that pods ask."""
LINK_LOCAL_RESOLVERS = (
    # NodeLocal DNSCache as the Kubernetes add-on, GKE and Gardener set it up.
    "169.254.20.10/32",
    # The same, by kubespray.
    "169.254.25.10/32",
    # AKS LocalDNS.
    "169.254.10.10/32",
    "169.254.10.11/32",
    # Cloud DNS for GKE; also the metadata address, which stays shut on every other port.
    "169.254.169.254/32",
)
SERVICE_ADDRESSES = (
    # Address 10 of EKS' two default Service networks: on Auto Mode nothing but the node itself is behind it.
    "10.100.0.10/32",
    "172.20.0.10/32",
    # Usual addresses of the DNS Service where a node-local cache answers in its place:
    # the Kubernetes add-on on kubeadm, GKE, kubespray, Gardener.
    "10.96.0.10/32",
    "34.118.224.10/32",
    "10.233.0.3/32",
    "100.64.0.10/32",
)


class Dns(Model):
    """The cluster's name servers; the defaults fit kubeadm, EKS, GKE, AKS, OpenShift, Gardener, k3s and kubespray."""

    peers: tuple[PodPeer, ...] = PODS
    """DNS pods by namespace and labels."""
    ports: tuple[Port, ...] = Field(default=PORTS, min_length=1)
    """Ports that those pods listen on; they can differ from the Service's."""
    cidrs: tuple[Cidr, ...] = LINK_LOCAL_RESOLVERS + SERVICE_ADDRESSES
    """Addresses that answer without a pod behind them: node-local caches and the DNS Service in front of them. They are
    open on port 53 alone."""
