"""The stack's rules as ValidatingAdmissionPolicies: charts, `kubectl` and restores are held to them too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.kube.admission import Kinds, Rule, binding_spec, policy_spec
from archesai_infra.kube.labels import APPLICATION, labels

MODULE = "admission"
API = "admissionregistration.k8s.io/v1"
CREDENTIAL_KEY = "(?i)(pass(word|wd|phrase)|secret|token|(api|access|private|secret)[-_]?key)$"
"""Keys of a ConfigMap that hold a credential."""
KUBELET_DIRECTORY = "/var/lib/kubelet"
"""Directory of a node that the agent of the backups reads the volumes of pods in."""
_LEVEL = "pod-security.kubernetes.io/enforce"
_COMPONENT = "app.kubernetes.io/component"

_CILIUM_WIDE = ["all", "cluster", "unmanaged", "world", "world-ipv4", "world-ipv6"]
"""Entities that are no peer but many, or anybody."""
_CILIUM_PEERS = {
    "from": ("CIDR", "CIDRSet", "Endpoints", "Entities", "Groups", "Nodes"),
    "to": ("CIDR", "CIDRSet", "Endpoints", "Entities", "FQDNs", "Groups", "Nodes", "Services"),
}
"""Ends of the names of the fields with peers, by their beginning."""

Mode = Literal["warn", "deny"]


@dataclass(frozen=True)
class AdmissionArgs:
    """What the component is built from."""

    mode: Mode
    registries: tuple[str, ...]
    """Registries that images may come from."""
    hosts: tuple[str, ...]
    """Host names that no other namespace may serve."""
    namespaces: tuple[str, ...]
    """Namespaces that the stack makes."""
    tokens: bool
    """Whether some pod of the stack's own namespace gets a token for the API server."""


@dataclass(frozen=True)
class Policy:
    """One policy: what it is about, and its rules."""

    kinds: tuple[Kinds, ...]
    rules: tuple[Rule, ...]
    variables: dict[str, str] = field(default_factory=dict)
    outside: bool = False
    """In force in every namespace that is not the stack's."""


class Admission(Component):
    """Policies and their bindings, one pair for each kind of object."""

    def __init__(self, context: Context, args: AdmissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Admission", MODULE, context, opts)
        actions = ["Deny"] if args.mode == "deny" else ["Warn", "Audit"]
        for part, policy in policies(args, context.namespace).items():
            title = f"{APPLICATION}-{context.instance}-{part}"
            metadata = {"name": title, "labels": labels(self.module, context.instance)}
            made = CustomResource(
                f"{self.module}-{part}",
                api_version=API,
                kind="ValidatingAdmissionPolicy",
                metadata=metadata,
                spec=policy_spec(policy.kinds, policy.rules, policy.variables),
                opts=self.clusterwide(),
            )
            CustomResource(
                f"{self.module}-{part}-binding",
                api_version=API,
                kind="ValidatingAdmissionPolicyBinding",
                metadata=metadata,
                spec=binding_spec(title, actions, args.namespaces, outside=policy.outside),
                opts=pulumi.ResourceOptions.merge(self.clusterwide(), pulumi.ResourceOptions(depends_on=[made])),
            )
        self.register_outputs({})


def policies(args: AdmissionArgs, namespace: str) -> dict[str, Policy]:
    """Every policy of a stack by the end of its name."""
    found = {
        "pods": _pods(args, namespace),
        "services": _services(),
        "rights": _rights(),
        "flows": _flows(),
        "values": _values(),
    }
    return found | ({"hosts": _hosts(args.hosts)} if args.hosts else {})


def _pods(args: AdmissionArgs, namespace: str) -> Policy:
    variables = {
        "containers": "object.spec.containers + object.spec.?initContainers.orValue([])"
        " + object.spec.?ephemeralContainers.orValue([])",
        "privileged": f"namespaceObject.metadata.?labels[?'{_LEVEL}'].orValue('') == 'privileged'",
        "component": f"namespaceObject.metadata.?labels[?'{_COMPONENT}'].orValue('')",
        "paths": "object.spec.?volumes.orValue([]).filter(v, has(v.hostPath)).map(v, v.hostPath.path)",
    }
    rules = [*_container_rules(args.registries), *_node_rules()]
    if not args.tokens:
        rules.append(
            Rule(
                f"object.metadata.namespace != '{namespace}'"
                " || object.spec.?automountServiceAccountToken.orValue(true) == false",
                "pods of the stack get no token for the API server: set automountServiceAccountToken to false",
            )
        )
    return Policy((Kinds("", "v1", ("pods", "pods/ephemeralcontainers")),), tuple(rules), variables)


def _container_rules(registries: Sequence[str]) -> list[Rule]:
    """Rules for what each container ends up with: its own security context stands above the pod's."""

    def of(name: str, default: str) -> str:
        return f"c.?securityContext.?{name}.orValue(object.spec.?securityContext.?{name}.orValue({default}))"

    first = "c.image.split('/')[0]"
    host = f"(c.image.contains('/') && {first}.matches('[.:]|^localhost$') ? {first} : 'docker.io')"
    unprivileged = f"{of('runAsNonRoot', 'false')} && {of('runAsUser', '1')} != 0"
    capabilities, empty = "c.?securityContext.?capabilities", "''"
    return [
        Rule(
            f"variables.containers.all(c, {host} in {json.dumps(list(registries))})",
            "an image's registry is not listed in security.registries",
        ),
        Rule(
            f"variables.privileged || variables.containers.all(c, {unprivileged})",
            "a container may run as root: set securityContext.runAsNonRoot",
        ),
        Rule(
            "variables.privileged || variables.containers.all(c, "
            "!c.?securityContext.?allowPrivilegeEscalation.orValue(true) "
            "&& !c.?securityContext.?privileged.orValue(false) "
            f"&& 'ALL' in {capabilities}.?drop.orValue([]) "
            f"&& {capabilities}.?add.orValue([]).all(a, a == 'NET_BIND_SERVICE') "
            "&& c.?securityContext.?procMount.orValue('Default') == 'Default')",
            "a container may gain privileges: drop all capabilities and set allowPrivilegeEscalation to false",
        ),
        Rule(
            "variables.privileged || variables.containers.all(c, "
            f"{of('seccompProfile.?type', empty)} in ['RuntimeDefault', 'Localhost'])",
            "a container has no seccomp profile: set RuntimeDefault",
        ),
    ]


def _node_rules() -> list[Rule]:
    """Rules for what a pod takes from its node; backups read the kubelet's directory, and only the exporter more."""
    exporter = "variables.component == 'monitoring-home' && variables.privileged"
    return [
        Rule(
            f"({exporter}) || (!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) "
            "&& !object.spec.?hostIPC.orValue(false) "
            "&& variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)))",
            "a pod uses the network or the processes of its node",
        ),
        Rule(
            f"({exporter}) || variables.paths.all(p, variables.component == 'backups' "
            f"&& variables.privileged && (p + '/').startsWith('{KUBELET_DIRECTORY}/') && !p.contains('..'))",
            "a pod mounts a directory of its node",
        ),
    ]


def _services() -> Policy:
    kinds = (Kinds("", "v1", ("services",)),)
    component = f"namespaceObject.metadata.?labels[?'{_COMPONENT}'].orValue('')"
    return Policy(
        kinds,
        (
            Rule(
                f"{component} == 'ingress' || object.spec.?type.orValue('ClusterIP') == 'ClusterIP'",
                "a Service opens a port to the outside: use the ingress",
            ),
            Rule("object.spec.?externalIPs.orValue([]).size() == 0", "a Service has externalIPs: use the ingress"),
        ),
    )


def _rights() -> Policy:
    group = "rbac.authorization.k8s.io"
    rules = "object.?rules.orValue([])"
    return Policy(
        (Kinds(group, "v1", ("roles", "rolebindings")),),
        (
            Rule(
                f"{rules}.all(r, !('*' in r.?apiGroups.orValue([])) && !('*' in r.?resources.orValue([])) "
                "&& !('*' in r.verbs) && !r.verbs.exists(v, v in ['bind', 'escalate', 'impersonate']))",
                "a role has a wildcard, or may escalate its own rights",
            ),
            Rule(
                "!has(object.roleRef) || !(object.roleRef.name in ['cluster-admin', 'admin', 'edit'])",
                "a binding gives a role that rules the namespace",
            ),
        ),
    )


def _flows() -> Policy:
    kinds = (
        Kinds("networking.k8s.io", "v1", ("networkpolicies",)),
        Kinds("cilium.io", "v2", ("ciliumnetworkpolicies",)),
    )
    everybody = "a network policy lets everybody in: name its peers"
    everywhere = "a network policy lets pods out to everywhere: name its peers"
    rules = (
        Rule(f"{_of_cilium('ingress', 'from')} && {_named('ingress', 'from')}", everybody),
        Rule(f"{_of_cilium('egress', 'to')} && {_named('egress', 'to')}", everywhere),
        Rule(
            "!variables.cilium || variables.specs.all(s, "
            "s.?endpointSelector.?matchLabels.orValue({}).size() > 0 "
            "|| s.?endpointSelector.?matchExpressions.orValue([]).size() > 0 "
            "|| s.?ingress.orValue([]).size() + s.?egress.orValue([]).size() == 0)",
            "a network policy opens something to every pod: name them in endpointSelector",
        ),
    )
    variables = {
        "cilium": "request.kind.group == 'cilium.io'",
        "specs": "(has(object.spec) ? [dyn(object.spec)] : []) + dyn(object).?specs.orValue([])",
    }
    return Policy(kinds, rules, variables)


def _named(direction: str, side: str) -> str:
    """That each rule of a NetworkPolicy names peers, and none of them is every namespace."""
    peers = f"r.?{side}.orValue([])"
    open_peer = (
        "(has(p.namespaceSelector) && p.namespaceSelector.?matchLabels.orValue({}).size() == 0 "
        "&& p.namespaceSelector.?matchExpressions.orValue([]).size() == 0)"
    )
    every = f"s.?{direction}.orValue([]).all(r, {peers}.size() > 0 && {peers}.all(p, !{open_peer}))"
    return f"(variables.cilium || variables.specs.all(s, {every}))"


def _of_cilium(direction: str, side: str) -> str:
    """The same of a CiliumNetworkPolicy, whose rules with ports and without peers are for everybody."""
    named = " || ".join(f"r.?{side}{peers}.orValue([]).size() > 0" for peers in _CILIUM_PEERS[side])
    spanning = (
        "e.?matchExpressions.orValue([]).exists(m, m.key.endsWith('io.kubernetes.pod.namespace') "
        "&& m.operator in ['Exists', 'NotIn'])"
    )
    every = (
        f"(!has(r.toPorts) && !has(r.icmps) || {named}) "
        f"&& r.?{side}Entities.orValue([]).all(e, !(e in {json.dumps(_CILIUM_WIDE)})) "
        f"&& r.?{side}Endpoints.orValue([]).all(e, !{spanning})"
    )
    return f"(!variables.cilium || variables.specs.all(s, s.?{direction}.orValue([]).all(r, {every})))"


def _values() -> Policy:
    return Policy(
        (Kinds("", "v1", ("configmaps",)),),
        (
            Rule(
                f"object.?data.orValue({{}}).all(k, !k.matches('{CREDENTIAL_KEY}'))",
                "a ConfigMap holds a credential: use a Secret",
            ),
        ),
    )


def _hosts(hosts: Sequence[str]) -> Policy:
    """Our hosts are ours: an Ingress of another namespace with a longer path would take their requests."""
    listed = json.dumps(list(hosts))
    return Policy(
        (
            Kinds("networking.k8s.io", "v1", ("ingresses",)),
            Kinds("gateway.networking.k8s.io", "*", ("httproutes", "grpcroutes", "tlsroutes")),
            Kinds("traefik.io", "*", ("ingressroutes", "ingressroutetcps")),
        ),
        (
            Rule(
                f"dyn(object).spec.?rules.orValue([]).all(r, !(dyn(r).?host.orValue('') in {listed}))"
                f" && dyn(object).spec.?hostnames.orValue([]).all(n, !(n in {listed}))"
                " && dyn(object).spec.?routes.orValue([]).all(r, "
                f"!{listed}.exists(h, dyn(r).?match.orValue('').contains(h)))",
                "this host belongs to another namespace",
            ),
        ),
        outside=True,
    )
