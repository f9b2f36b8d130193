"""The admission policies on a real API server: what would pass without them is refused with them."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Generator

import pytest

from archesai_infra.components.admission import API, AdmissionArgs, policies
from archesai_infra.kube.admission import binding_spec, policy_spec
from testbed.controlplane.api import ApiError, Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import find, shipped

HOST = "api.admission.example.com"
pytestmark = pytest.mark.cluster
CILIUM = "cilium.io/v2"
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ciliumnetworkpolicies.cilium.io"},
    "spec": {
        "group": "cilium.io",
        "scope": "Namespaced",
        "names": {"kind": "CiliumNetworkPolicy", "plural": "ciliumnetworkpolicies"},
        "versions": [
            {
                "name": "v2",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""Stands for Cilium's own, without its schema: what policies say of fields is tried, not what Cilium takes."""
REGISTRIES = ("docker.io", "ghcr.io", "quay.io")


def _namespace(name: str, component: str, level: str | None = None) -> Object:
    # Without a level Pod Security stays out of the way, so that only the policies judge.
    labels = {"app.kubernetes.io/component": component} | (
        {"pod-security.kubernetes.io/enforce": level} if level else {}
    )
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


class Guarded:
    """A stack's namespace and Velero's, with the policies in force in both."""

    def __init__(self, rig: ControlPlane) -> None:
        self.api, suffix = rig.api, uuid.uuid4().hex[:8]
        self.own, self.velero, self.other = (f"{name}-{suffix}" for name in ("guarded", "velero", "tenant"))
        self.namespaces = [
            _namespace(self.own, "security"),
            _namespace(self.velero, "backups", "privileged"),
            _namespace(self.other, "tenant"),
        ]
        args = AdmissionArgs("deny", REGISTRIES, (HOST,), (self.own, self.velero), tokens=False)
        self.policies: list[Object] = []
        for part, policy in policies(args, self.own).items():
            title = {"name": f"admission-{suffix}-{part}"}
            spec = policy_spec(policy.kinds, policy.rules, policy.variables)
            binding = binding_spec(title["name"], ["Deny"], args.namespaces, outside=policy.outside)
            self.policies += [
                {"apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": title, "spec": spec},
                {"apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": title, "spec": binding},
            ]

    def refusal(self, item: Object, namespace: str | None = None) -> str:
        """What the server says against creating an object; empty where it takes it."""
        placed = copy.deepcopy(item)
        placed["metadata"] = {"name": f"a-{uuid.uuid4().hex[:6]}", "namespace": namespace or self.own}
        collection = self.api.path_of(placed).rpartition("/")[0]
        try:
            self.api.request("POST", collection, query={"dryRun": "All"}, body=placed)
        except ApiError as error:
            return str(error)
        return ""


@pytest.fixture(scope="module")
def guarded(control_plane: ControlPlane) -> Generator[Guarded]:
    stack = Guarded(control_plane)
    control_plane.install_definitions([DEFINITION])
    for item in stack.namespaces:
        control_plane.api.create(item)
    # Before: without the policies the server takes each of the attacks.
    taken = {name: stack.refusal(item) for name, (item, _) in ATTACKS.items()}
    assert {name: text for name, text in taken.items() if text} == {}
    for item in stack.policies:
        control_plane.api.create(item)

    def not_in_force() -> list[str]:
        return [name for name, (item, _) in ATTACKS.items() if not stack.refusal(item)]

    control_plane.wait_for("every policy to be in force", not_in_force)
    yield stack
    for item in (*stack.policies, *stack.namespaces, DEFINITION):
        control_plane.api.delete(item)
    control_plane.wait_gone(DEFINITION)


def _pod(change: Object | None = None, security: Object | None = None) -> Object:
    spec = copy.deepcopy(find(shipped("prod"), "Deployment", "archesai-api")["spec"]["template"]["spec"])
    spec = {
        key: value for key, value in spec.items() if key not in ("topologySpreadConstraints", "affinity", "volumes")
    }
    spec["serviceAccountName"] = "default"
    kept = ("name", "image", "securityContext", "resources")
    container = {key: spec["containers"][0][key] for key in kept}
    spec["containers"] = [container | {"securityContext": container["securityContext"] | (security or {})}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec | (change or {})}


def _object(kind: str, api_version: str = "v1", **fields: object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {}, **fields}


def _container(**fields: object) -> Object:
    return _pod()["spec"]["containers"][0] | fields


_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
PODS: Object = {"endpointSelector": {"matchLabels": {"app": "a"}}}


def _cilium(**spec: object) -> Object:
    return _object("CiliumNetworkPolicy", CILIUM, spec=PODS | spec)


RBAC = "rbac.authorization.k8s.io/v1"
NETWORK = "networking.k8s.io/v1"
PRIVILEGED_POD = _pod(security={"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}})
ATTACKS: dict[str, tuple[Object, str]] = {
    "capabilities": (PRIVILEGED_POD, "may gain privileges"),
    "privileged": (_pod(security={"privileged": True, "allowPrivilegeEscalation": True}), "may gain privileges"),
    "root": (_pod(security={"runAsUser": 0, "runAsNonRoot": False}), "may run as root"),
    "seccomp": (_pod(security={"seccompProfile": {"type": "Unconfined"}}), "seccomp"),
    "init container": (
        _pod({"initContainers": [_container(name="init", securityContext={"privileged": True})]}),
        "may gain privileges",
    ),
    "host network": (_pod({"hostNetwork": True}), "network or the processes of its node"),
    "host path": (_pod({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}), "directory of its node"),
    "registry": (_pod({"containers": [_container(image="evil.example/a:v1")]}), "registry is not listed"),
    "token": (_pod({"automountServiceAccountToken": True}), "no token for the API server"),
    "load balancer": (_object("Service", spec={"type": "LoadBalancer", "ports": [{"port": 80}]}), "use the ingress"),
    "external address": (
        _object("Service", spec={"externalIPs": ["192.0.2.1"], "ports": [{"port": 80}]}),
        "externalIPs",
    ),
    "wildcard": (
        _object("Role", RBAC, rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
        "has a wildcard",
    ),
    "cluster-admin": (
        _object(
            "RoleBinding",
            RBAC,
            roleRef={"apiGroup": RBAC.partition("/")[0], "kind": "ClusterRole", "name": "cluster-admin"},
        ),
        "rules the namespace",
    ),
    "open ingress": (_object("NetworkPolicy", NETWORK, spec={"podSelector": {}, "ingress": [{}]}), "lets everybody in"),
    "open egress": (
        _object("NetworkPolicy", NETWORK, spec={"podSelector": {}, "egress": [{"to": [{"namespaceSelector": {}}]}]}),
        "lets pods out",
    ),
    "open ingress by Cilium": (_cilium(ingress=[{"fromEntities": ["world"]}]), "lets everybody in"),
    "ports without peers by Cilium": (_cilium(ingress=[{"toPorts": [{"ports": [{"port": "80"}]}]}]), "lets everybody"),
    "open egress by Cilium": (_cilium(egress=[{"toEntities": ["all"]}]), "lets pods out"),
    "every namespace by Cilium": (
        _cilium(egress=[{"toEndpoints": [{"matchExpressions": [{"key": _NAMESPACE, "operator": "Exists"}]}]}]),
        "lets pods out",
    ),
    "every pod by Cilium": (
        _cilium(endpointSelector={}, ingress=[{"fromEntities": ["ingress"]}]),
        "opens something to every pod",
    ),
    "the second of several by Cilium": (
        _object("CiliumNetworkPolicy", CILIUM, specs=[PODS, PODS | {"egress": [{"toEntities": ["world"]}]}]),
        "lets pods out",
    ),
    "credential": (_object("ConfigMap", data={"AWS_SECRET_ACCESS_KEY": "made-up"}), "holds a credential"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_the_server_took_before_is_refused_in_the_stacks_namespace(guarded: Guarded, name: str) -> None:
    item, says = ATTACKS[name]
    assert says in guarded.refusal(item)


@pytest.mark.parametrize("name", ATTACKS)
def test_other_namespaces_are_not_held_to_the_stacks_rules(guarded: Guarded, name: str) -> None:
    assert guarded.refusal(ATTACKS[name][0], guarded.other) == ""


def test_an_ordinary_pod_of_the_stack_is_taken(guarded: Guarded) -> None:
    assert guarded.refusal(_pod()) == ""


@pytest.mark.parametrize(
    "item",
    [
        _cilium(ingress=[{"fromEntities": ["ingress"], "toPorts": [{"ports": [{"port": "3001"}]}]}]),
        _cilium(egress=[{"toEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": "6443"}]}]}]),
        _cilium(ingress=[{"fromEndpoints": [{"matchLabels": {"app": "b"}}]}]),
        _object("CiliumNetworkPolicy", CILIUM, spec={"endpointSelector": {}}),
    ],
)
def test_a_policy_of_cilium_that_names_pods_and_peers_is_taken(guarded: Guarded, item: Object) -> None:
    assert guarded.refusal(item) == ""


def test_an_ephemeral_container_is_judged_as_the_others(guarded: Guarded) -> None:
    pod = _pod()
    pod["metadata"] = {"name": "debugged", "namespace": guarded.own}
    guarded.api.create(pod)
    debug = {"name": "debug", "image": "docker.io/busybox:1", "securityContext": {"privileged": True}}
    path = f"{guarded.api.path_of(pod)}/ephemeralcontainers"
    with pytest.raises(ApiError, match="may gain privileges"):
        guarded.api.request(
            "PATCH",
            path,
            body={"spec": {"ephemeralContainers": [debug]}},
            content_type="application/strategic-merge-patch+json",
        )


def test_veleros_namespace_may_read_the_kubelets_directory_and_no_other(guarded: Guarded) -> None:
    def agent(path: str) -> Object:
        return _pod(
            {"volumes": [{"name": "host", "hostPath": {"path": path}}]},
            {"privileged": True, "allowPrivilegeEscalation": True},
        )

    assert guarded.refusal(agent("/var/lib/kubelet/pods"), guarded.velero) == ""
    for path in ("/", "/var/lib/kubelet-other", "/etc"):
        assert "directory of its node" in guarded.refusal(agent(path), guarded.velero)


def test_a_host_of_the_stack_is_refused_in_every_other_namespace(guarded: Guarded) -> None:
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    path = {"path": "/auth", "pathType": "Prefix", "backend": backend}
    ingress = _object("Ingress", NETWORK, spec={"rules": [{"host": HOST, "http": {"paths": [path]}}]})
    assert "belongs to another namespace" in guarded.refusal(ingress, guarded.other)
    assert guarded.refusal(ingress) == ""
    ingress["spec"]["rules"][0]["host"] = "other.example.com"
    assert guarded.refusal(ingress, guarded.other) == ""
