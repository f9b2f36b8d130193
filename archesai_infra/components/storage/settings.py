"""Settings of the object storage, and what its credentials lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.peers import ServicePeer
from archesai_infra.components.base.settings import (
    DataVolume,
    ExternalModule,
    Image,
    Module,
    PodImages,
    Resources,
    Workload,
    resources,
)
from archesai_infra.credentials import Credential
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.types import BucketName, Cidr, DnsLabel, Hostname, MemoryQuantity, Port

MODULE = "storage"
NAME = object_name("storage")
PORT = 9000
CONSOLE_PORT = 9001
PORTS = {"s3": PORT, "console": CONSOLE_PORT}
ACCESS_KEY = "ACCESS_KEY"
SECRET_KEY = "SECRET_KEY"
BUCKET_MODULE = "storage-bucket"


class ManagedStorage(Workload, DataVolume, Module):
    """An object store in the cluster, one pod with one volume."""

    default_claim = f"{NAME}-data"

    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    server: Literal["rustfs", "minio"] = "rustfs"
    """Which server runs; MinIO gets no more fixes."""
    bucket: BucketName = "arches"
    """Bucket of the application."""
    region: str = "us-east-1"
    """Region that the server and its clients sign for."""
    size: MemoryQuantity = "20Gi"
    """Size of the volume; it can grow, not shrink."""
    resources: Resources = resources(("250m", "512Mi"), ("1", "2Gi"))
    """CPU and memory."""
    accept_single_node: bool = False
    """Accept in production that the objects are on one volume of one pod, and so on one machine: while it is away
    nobody reads or writes an object, and what its disk loses comes back from the last copy only."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the keys `ACCESS_KEY` and `SECRET_KEY`."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to regenerate the generated keys of the administrator and of every user."""
    public_endpoint: bool = False
    """Give the api the public URL of `ingress.hosts.storage` as its endpoint, so that URLs which it signs hold outside:
    a signature covers the host. The api's own requests then take the way through the ingress too."""
    bucket_image: Image = Image()
    """Image of the Job that makes the buckets and the users: a shell and MinIO's client `mc`."""

    @property
    def pod_images(self) -> PodImages:
        """The server's image and that of the Job which makes the bucket."""
        if not self.runs_pods:
            return {}
        server = versions.MINIO if self.server == "minio" else versions.RUSTFS
        return {"image": (self.image, server), "bucketImage": (self.bucket_image, versions.MINIO)}


class ExternalStorage(ExternalModule):
    """An S3 service that others run; its bucket exists."""

    mode: Literal["external"]
    """A service elsewhere."""
    host: Hostname
    """Host name of the S3 endpoint."""
    port: Port = 443
    """Port of the S3 endpoint."""
    tls: bool = True
    """Speak HTTPS."""
    bucket: BucketName = "arches"
    """Bucket of the application."""
    region: str = "us-east-1"
    """Region of the bucket."""
    cidrs: tuple[Cidr, ...] = ANYWHERE
    """Networks the service's addresses are in; the network policies allow no other."""
    service: ServicePeer | None = None
    """Pods behind the host, where it is a Service of another namespace in this cluster."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the keys `ACCESS_KEY` and `SECRET_KEY`."""


def requirements(settings: ManagedStorage | ExternalStorage, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, each as `key: problem and cure`."""
    keys = [key for key in (Credential.STORAGE_ACCESS_KEY, Credential.STORAGE_SECRET_KEY) if key in given]
    if settings.existing_secret:
        return [f"storage.existingSecret: {keys[0]} is also set; keep only one"] if keys else []
    if len(keys) == 1:
        other = {Credential.STORAGE_ACCESS_KEY, Credential.STORAGE_SECRET_KEY} - set(keys)
        return [f"{keys[0]}: needs its other half: arches config set {other.pop()}"]
    if isinstance(settings, ExternalStorage) and not keys:
        return ["storage: external storage needs its keys: arches config set storageAccessKey and storageSecretKey"]
    return []
