"""Who is at the other end of a connection, as stack files name it."""

from __future__ import annotations

from pydantic import Field

from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, Port, Text


class PodPeer(Model):
    """Pods in another namespace of the same cluster."""

    namespace: DnsLabel
    """Their namespace."""
    pod_labels: dict[str, Text] = Field(default_factory=dict)
    """Their labels; all pods of the namespace where there are none."""

    @property
    def pods(self) -> NamespacePods:
        """They, as network policies see them."""
        return NamespacePods(self.namespace, tuple(sorted(self.pod_labels.items())))


class ServicePeer(PodPeer):
    """Pods behind a Service in another namespace of the same cluster.

    Networks never stand for pods on some clusters (Cilium, GKE Dataplane V2), so they have to be named by labels.
    """

    port: Port | None = None
    """Port that the pods listen on, where the Service's differs: policies see the pods' own."""
