"""How the control plane of real nodes is started, where it differs from one of simulated nodes."""

from __future__ import annotations

from testbed.controlplane.servers import Command, Ports, Servers
from testbed.node import layout
from testbed.node.layout import Plan

_PORTS = Ports(etcd=2379, etcd_peer=2380, apiserver=layout.API_PORT, kubelet=0)


def servers(plan: Plan) -> Servers:
    """The servers of a plan, inside its namespaces."""
    return Servers(
        executables=plan.executables,
        directory=plan.directory,
        ports=_PORTS,
        authority=plan.authority,
        serving=plan.pair("serving"),
        account_key=plan.pair("service-accounts").key,
        kubeconfig=plan.admin,
        address=layout.API,
        services=",".join(family.services for family in plan.families),
    )


def apiserver(plan: Plan) -> Command:
    """An API server that reaches kubelets, and that pods reach by its Service."""
    kubelet, aggregator = plan.pair("kubelet-client"), plan.pair("front-proxy")
    return [
        *servers(plan).any_apiserver(),
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--token-auth-file={plan.tokens}",
        f"--kubelet-client-certificate={kubelet.certificate}",
        f"--kubelet-client-key={kubelet.key}",
        # Kinds that pods serve: no kube-proxy runs beside this server, so it looks for the pods itself.
        "--enable-aggregator-routing=true",
        f"--requestheader-client-ca-file={plan.authority}",
        # Clients have the same authority, so that the name tells them apart.
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={aggregator.certificate}",
        f"--proxy-client-key-file={aggregator.key}",
    ]


def controller_manager(plan: Plan) -> Command:
    """Controllers with an account each, as clusters run them."""
    return [*servers(plan).any_controller_manager(), "--use-service-account-credentials=true"]
