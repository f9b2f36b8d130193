"""Who is at the other end of a connection, as stack files name it."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from archesai_infra.kube.network import Addresses, NamespacePods
from archesai_infra.kube.volumes import Mount, config_file, secret_file
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DnsLabel, Port, SecretKeyName, Text

CA_FILE = "ca.crt"


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


class Egress(Model):
    """Addresses or pods that pods may reach besides the public internet on 443."""

    cidr: Cidr | None = None
    """Network of the addresses."""
    pods: PodPeer | None = None
    """Pods of another namespace in the same cluster, in place of a network."""
    ports: tuple[Port, ...] = Field(min_length=1)
    """TCP ports; for pods those that they listen on."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.cidr is None) == (self.pods is None):
            raise ValueError("needs one of cidr and pods, and not both")
        return self

    def peer(self, key: str) -> Addresses | NamespacePods:
        """The other end, as network policies see it; `key` names addresses."""
        return self.pods.pods if self.pods is not None else Addresses(key, (self.cidr,) if self.cidr else ())


class Certificate(Model):
    """A certificate authority in a Secret or a ConfigMap of the stack's namespace."""

    secret: DnsLabel | None = None
    """Existing Secret that holds it."""
    config_map: DnsLabel | None = None
    """Existing ConfigMap that holds it, in place of a Secret."""
    key: SecretKeyName = "ca.crt"
    """Key of the certificate, in PEM."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.secret is None) == (self.config_map is None):
            raise ValueError("needs one of secret and configMap, and not both")
        return self

    def projection(self) -> dict[str, Any]:
        """The same as a source of a projected volume."""
        kind, name = ("secret", self.secret) if self.secret is not None else ("configMap", self.config_map)
        return {kind: {"name": name, "items": [{"key": self.key, "path": CA_FILE}]}}

    def mount(self, name: str, directory: str) -> Mount:
        """The certificate as the file `ca.crt` of a directory."""
        if self.secret is not None:
            return secret_file(name, directory, self.secret, self.key, CA_FILE)
        return config_file(name, directory, self.config_map or "", self.key, CA_FILE)
