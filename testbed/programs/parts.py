"""The catalogue of parts: the programs and definitions that the control plane and its tests use."""

from __future__ import annotations

import os
from pathlib import Path

from testbed.programs.definitions import Definitions
from testbed.programs.part import GO_DIRECTORY, Part, Program, UnknownPartError

DEFAULT_MINOR = "1.36"
"""The Kubernetes minor a rig runs when `K8S_VERSION` says nothing."""

CHARTS_VARIABLE = "ARCHESAI_CHARTS"
"""Names the directory with the user's charts; without them Helm has nothing to render."""
DEFINITIONS = "definitions"
RIG = ("etcd", "kubernetes", "kwok", DEFINITIONS)
"""What a control plane itself needs; everything else is for particular tests."""
ENGINE = ("pulumi", "pulumi-kubernetes")
"""The Pulumi engine: its command with the Python language host, and the Kubernetes provider."""
PROVIDER_VERSION = "4.25.0"
"""The provider's release of the pinned commit, which is its tag; the Go module itself has a version of no release."""

NODE = ("kubernetes-node", "containerd", "cni", "network-policies", "coredns", "metrics-server", "pause")
"""What a node needs beside a control plane's parts."""

GATEWAY_CONFORMANCE = "gateway-conformance"
"""Gateway API's conformance tests, and the server that their pods run."""

_GATEWAY_CONFORMANCE = "sigs.k8s.io/gateway-api/conformance"
_KUBERNETES = "kubernetes"
_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PULUMI_KUBERNETES = "github.com/pulumi/pulumi-kubernetes/provider/v4"


def catalogue() -> dict[str, Part]:
    """Every part by name; Kubernetes once per minor that has a directory."""
    parts: list[Part] = [_kubernetes_part(minor) for minor in kubernetes_minors()]
    parts += [
        Definitions(DEFINITIONS),
        Program("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}),
        Program("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
        Program("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"}, _HELM_STAMPS),
        Program(
            "crane",
            "github.com/google/go-containerregistry",
            {"crane": "github.com/google/go-containerregistry/cmd/crane"},
        ),
        Program(
            "kubeconform",
            "github.com/yannh/kubeconform",
            {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
        ),
        Program(
            "kube-score", "github.com/zegl/kube-score", {"kube-score": "github.com/zegl/kube-score/cmd/kube-score"}
        ),
        Program(
            "velero",
            "github.com/vmware-tanzu/velero",
            {
                command: f"github.com/vmware-tanzu/velero/cmd/{command}"
                for command in ("velero", "velero-helper", "velero-restore-helper")
            },
            _VELERO_STAMPS,
        ),
        Program(
            "velero-plugin-for-aws",
            "github.com/vmware-tanzu/velero-plugin-for-aws",
            {
                "velero-plugin-for-aws": "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws",
                "cp-plugin": "github.com/vmware-tanzu/velero-plugin-for-aws/hack/cp-plugin",
            },
        ),
        Program("minio", "github.com/minio/minio", {"minio": "github.com/minio/minio", "mc": "github.com/minio/mc"}),
        Program(
            "traefik",
            "github.com/traefik/traefik/v3",
            {"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
            {"github.com/traefik/traefik/v3/pkg/version.Version": "{version}"},
        ),
        Program(
            GATEWAY_CONFORMANCE,
            _GATEWAY_CONFORMANCE,
            {GATEWAY_CONFORMANCE: ".", "echo-basic": f"{_GATEWAY_CONFORMANCE}/echo-basic"},
        ),
        Program("argocd-sync", "github.com/argoproj/argo-cd/gitops-engine", {"argocd-sync": "."}),
        *_node_parts(),
        Program(
            "pulumi",
            "github.com/pulumi/pulumi/pkg/v3",
            {
                "pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                "pulumi-language-python": "./language-python",
            },
            _PULUMI_STAMPS,
            files={_PULUMI_SDK: "python/cmd/pulumi-language-python-exec"},
        ),
        Program(
            "pulumi-kubernetes",
            _PULUMI_KUBERNETES,
            {"pulumi-resource-kubernetes": "."},
            {"main.release": PROVIDER_VERSION},
            files={_PULUMI_KUBERNETES: "cmd/pulumi-resource-kubernetes/schema.json"},
        ),
    ]
    return {part.name: part for part in parts}


def _node_parts() -> list[Program]:
    """What runs pods; Kubernetes' own share of it in the default minor."""
    commands = ("kubelet", "kube-proxy")
    plugins = {"ptp": "main/ptp", "loopback": "main/loopback", "host-local": "ipam/host-local"}
    containerd = "github.com/containerd/containerd/v2"
    cni = "github.com/containernetworking/plugins"
    return [
        Program(
            "kubernetes-node",
            "k8s.io/kubernetes",
            {command: f"k8s.io/kubernetes/cmd/{command}" for command in commands},
            _KUBERNETES_STAMPS,
        ),
        Program(
            "containerd",
            containerd,
            {name: f"{containerd}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2")},
            {f"{containerd}/version.Version": "{version}"},
            tags=("no_btrfs", "no_devmapper", "no_zfs", "no_aufs"),
        ),
        Program("cni", cni, {name: f"{cni}/plugins/{path}" for name, path in plugins.items()}),
        Program(
            "network-policies",
            "sigs.k8s.io/kube-network-policies",
            {"kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd"},
        ),
        Program("coredns", "github.com/coredns/coredns", {"coredns": "."}),
        Program(
            "metrics-server",
            "sigs.k8s.io/metrics-server",
            {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        ),
        Program("pause", "", {"pause": "."}),
        Program("doubles", "", {name: f"./{name}" for name in ("archesai", "rustfs")}),
    ]


def kubernetes_minors() -> list[str]:
    """The Kubernetes minors that are pinned, oldest first."""
    found = [path.name.removeprefix(f"{_KUBERNETES}-") for path in GO_DIRECTORY.glob(f"{_KUBERNETES}-1.*")]
    return sorted(found, key=lambda minor: [int(number) for number in minor.split(".")])


def kubernetes(version: str | None = None) -> Program:
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


def _kubernetes_part(minor: str) -> Program:
    commands = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    packages = {command: f"k8s.io/kubernetes/cmd/{command}" for command in commands}
    return Program(f"{_KUBERNETES}-{minor}", "k8s.io/kubernetes", packages, _KUBERNETES_STAMPS)


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
_PULUMI_STAMPS = {f"{_PULUMI_SDK}/go/common/version.Version": "{version}"}
_VELERO_STAMPS = {"github.com/vmware-tanzu/velero/pkg/buildinfo.Version": "{version}"}
