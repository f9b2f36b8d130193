"""The programs the control plane and its tests run, each pinned by a Go module of its own below `go/`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

GO_DIRECTORY = Path(__file__).parent / "go"

DEFAULT_MINOR = "1.36"
"""The Kubernetes minor a rig runs when `K8S_VERSION` says nothing."""

CHARTS_VARIABLE = "ARCHESAI_CHARTS"
"""Names the directory with the user's charts; without them Helm has nothing to render."""
RIG = ("etcd", "kubernetes", "kwok")
"""What a control plane itself needs; everything else is for particular tests."""

NODE = ("kubernetes-node", "containerd", "cni", "network-policies", "coredns", "pause")
"""What a node needs beside a control plane's parts."""

OWN_VERSION = "0.0"
"""The version of programs that this repository itself holds; their content names their output."""

_KUBERNETES = "kubernetes"
_BUILD_FLAGS = ("-trimpath", "-buildvcs=false")

Log = Callable[[str], None]


class UnknownPartError(ValueError):
    """A part or Kubernetes version was asked for that no Go module here pins."""


@dataclass(frozen=True)
class Part:
    """One Go module directory and the executables built from it."""

    name: str
    source: str
    """The module whose required version is the part's version; empty for a program of this repository."""
    packages: Mapping[str, str]
    """Executable name to the Go package it is built from."""
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    """Linker variables, with `{version}`, `{major}` and `{minor}` filled in."""
    module: str = ""
    """The directory of the Go module below `go/`; empty means the part's name."""
    tags: tuple[str, ...] = ()
    """Build tags, which leave out what tests do not use."""

    @property
    def directory(self) -> Path:
        return GO_DIRECTORY / (self.module or self.name)

    @cached_property
    def version(self) -> str:
        """The pinned version without its `v`, read from go.mod so that it is stated once."""
        if not self.source:
            return OWN_VERSION
        pin = re.search(rf"^\s*(?:require )?{re.escape(self.source)} v(\S+)", self._read("go.mod"), re.MULTILINE)
        if pin is None:
            raise UnknownPartError(f"{self.directory / 'go.mod'} does not require {self.source}")
        return pin[1]

    @cached_property
    def go_version(self) -> tuple[int, ...]:
        """The Go release the module needs at least."""
        line = re.search(r"^go (\S+)$", self._read("go.mod"), re.MULTILINE)
        return tuple(int(number) for number in line[1].split(".")) if line else ()

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The arguments of `go build`; without stamps an API server calls itself v0.0.0 and Helm refuses its charts."""
        numbers = self.version.split(".")
        values = {"version": f"v{self.version}", "major": numbers[0], "minor": numbers[1]}
        stamps = [f"-X {variable}={value.format(**values)}" for variable, value in self.stamps.items()]
        tags = ("-tags", " ".join(self.tags)) if self.tags else ()
        return (*_BUILD_FLAGS, *tags, "-ldflags", " ".join(["-s -w", *stamps]))

    @cached_property
    def output(self) -> Path:
        """Where the built executables stand; another pin, hash or flag is another directory."""
        recipe = [self._read("go.mod"), self._read("go.sum"), repr(self.flags), repr(sorted(self.packages.items()))]
        recipe += [path.read_text(encoding="utf-8") for path in sorted(self.directory.glob("*.go"))]
        digest = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
        return cache_directory() / f"{self.name}-{self.version}-{digest}"

    @property
    def executables(self) -> dict[str, Path]:
        return {name: self.output / name for name in self.packages}

    @property
    def is_built(self) -> bool:
        """Whether the output is there; it appears whole or not at all, so its presence suffices."""
        return self.output.is_dir()

    def _read(self, name: str) -> str:
        path = self.directory / name
        # A module that requires nothing has no sums.
        return path.read_text(encoding="utf-8") if path.exists() or self.source else ""


def cache_directory() -> Path:
    """The directory outside the repository that keeps built parts."""
    if chosen := os.environ.get("ARCHESAI_PARTS_DIR"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser().absolute() / "archesai-infra" / "parts"


def catalogue() -> dict[str, Part]:
    """Every part by name; Kubernetes once per minor that has a directory."""
    parts = [_kubernetes_part(minor) for minor in kubernetes_minors()]
    parts += [
        Part("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}),
        Part("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
        Part("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"}, _HELM_STAMPS),
        Part(
            "kubeconform",
            "github.com/yannh/kubeconform",
            {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
        ),
        Part("kube-score", "github.com/zegl/kube-score", {"kube-score": "github.com/zegl/kube-score/cmd/kube-score"}),
        Part(
            "velero",
            "github.com/vmware-tanzu/velero",
            {"velero": "github.com/vmware-tanzu/velero/cmd/velero"},
            _VELERO_STAMPS,
        ),
        Part(
            "velero-plugin-for-aws",
            "github.com/vmware-tanzu/velero-plugin-for-aws",
            {"velero-plugin-for-aws": "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws"},
        ),
        Part("minio", "github.com/minio/minio", {"minio": "github.com/minio/minio"}),
        *_node_parts(),
    ]
    return {part.name: part for part in parts}


def _node_parts() -> list[Part]:
    """What runs pods; Kubernetes' own share of it in the default minor, from the control plane's module."""
    commands = ("kubelet", "kube-proxy")
    plugins = {"ptp": "main/ptp", "loopback": "main/loopback", "host-local": "ipam/host-local"}
    containerd = "github.com/containerd/containerd/v2"
    cni = "github.com/containernetworking/plugins"
    return [
        Part(
            "kubernetes-node",
            "k8s.io/kubernetes",
            {command: f"k8s.io/kubernetes/cmd/{command}" for command in commands},
            _KUBERNETES_STAMPS,
            module=f"{_KUBERNETES}-{DEFAULT_MINOR}",
        ),
        Part(
            "containerd",
            containerd,
            {name: f"{containerd}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2")},
            {f"{containerd}/version.Version": "{version}"},
            tags=("no_btrfs", "no_devmapper", "no_zfs", "no_aufs"),
        ),
        Part("cni", cni, {name: f"{cni}/plugins/{path}" for name, path in plugins.items()}),
        Part(
            "network-policies",
            "sigs.k8s.io/kube-network-policies",
            {"kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd"},
        ),
        Part("coredns", "github.com/coredns/coredns", {"coredns": "."}),
        Part(
            "metrics-server",
            "sigs.k8s.io/metrics-server",
            {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        ),
        Part("pause", "", {"pause": "."}),
    ]


def kubernetes_minors() -> list[str]:
    """The Kubernetes minors that are pinned, oldest first."""
    found = [path.name.removeprefix(f"{_KUBERNETES}-") for path in GO_DIRECTORY.glob(f"{_KUBERNETES}-1.*")]
    return sorted(found, key=lambda minor: [int(number) for number in minor.split(".")])


def kubernetes(version: str | None = None) -> Part:
    """The Kubernetes part for a version such as `1.36` or `v1.36.3`, else for `K8S_VERSION`, else the default."""
    wanted = version or os.environ.get("K8S_VERSION") or DEFAULT_MINOR
    parts = [_kubernetes_part(minor) for minor in kubernetes_minors()]
    for part in parts:
        if wanted.removeprefix("v") in {part.version, part.version.rpartition(".")[0]}:
            return part
    known = ", ".join(part.version for part in parts)
    raise UnknownPartError(f"Kubernetes {wanted} is not pinned here; known versions: {known} (or their minors)")


def select(*names: str) -> list[Part]:
    """The parts of these names in order, once each; none means the rig's, `kubernetes` the chosen minor."""
    parts = catalogue()
    chosen: dict[str, Part] = {}
    for name in names or RIG:
        if name != _KUBERNETES and name not in parts:
            raise UnknownPartError(f"no part is called {name}; known parts: {_KUBERNETES}, {', '.join(sorted(parts))}")
        part = kubernetes() if name == _KUBERNETES else parts[name]
        chosen[part.name] = part
    return list(chosen.values())


def executables(*names: str) -> dict[str, Path]:
    """Where the executables of these parts are, or will be."""
    return {name: path for part in select(*names) for name, path in part.executables.items()}


def missing(*names: str) -> list[str]:
    """The names of those parts that are not built yet."""
    return [part.name for part in select(*names) if not part.is_built]


def built(*names: str) -> bool:
    """Whether all of these parts are built; builds nothing."""
    return not missing(*names)


def _kubernetes_part(minor: str) -> Part:
    commands = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    packages = {command: f"k8s.io/kubernetes/cmd/{command}" for command in commands}
    return Part(f"{_KUBERNETES}-{minor}", "k8s.io/kubernetes", packages, _KUBERNETES_STAMPS)


_KUBERNETES_STAMPS = {
    f"{package}.{variable}": value
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in {
        "gitVersion": "{version}",
        "gitMajor": "{major}",
        "gitMinor": "{minor}",
        "gitTreeState": "clean",
    }.items()
}
_HELM_STAMPS = {
    "helm.sh/helm/v3/internal/version.version": "{version}",
    # What `helm template` and `helm lint` assume of the cluster; unset it is 1.20.
    **{f"helm.sh/helm/v3/pkg/{package}.k8sVersionMajor": "1" for package in ("chartutil", "lint/rules")},
    **{
        f"helm.sh/helm/v3/pkg/{package}.k8sVersionMinor": DEFAULT_MINOR.partition(".")[2]
        for package in ("chartutil", "lint/rules")
    },
}
_VELERO_STAMPS = {"github.com/vmware-tanzu/velero/pkg/buildinfo.Version": "{version}"}
