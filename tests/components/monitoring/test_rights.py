"""Rights of the Prometheus operator and of Prometheus, tried under their accounts on a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from archesai_infra.components.monitoring import rights
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, render

ON: Config = {"enabled": True}
KINDS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
READ = ("get", "list", "watch")


def stack(name: str) -> Evaluation:
    """A stack whose monitors name a Secret: MinIO's metrics want a token."""
    monitoring = ON | {"namespace": f"{name}-monitoring", "alerts": {"unattended": True}}
    return render({"namespace": name, "monitoring": monitoring, "storage": ON | {"server": "minio"}})


def of_accounts(evaluation: Evaluation) -> list[Object]:
    """The roles and bindings of the monitoring, and the namespaces that they are in."""
    module = "monitoring-home"
    found = [item for item in evaluation.objects if item["kind"] == "Namespace"]
    return found + [
        item
        for kind in KINDS
        for item in evaluation.objects
        if item["kind"] == kind and item["metadata"]["labels"]["app.kubernetes.io/component"] == module
    ]


def test_no_right_on_the_whole_cluster_covers_secrets_and_none_is_a_wildcard() -> None:
    roles = [item for item in of_accounts(stack("team")) if item["kind"] in ("ClusterRole", "Role")]
    assert len(roles) == 4
    assert "*" not in str([role["rules"] for role in roles])
    clusterwide = [rule for role in roles if role["kind"] == "ClusterRole" for rule in role["rules"]]
    assert {kind for rule in clusterwide for kind in rule["resources"]} & {"secrets", "configmaps"} == set()


def test_in_the_stacks_namespace_the_operator_reads_the_secrets_that_monitors_name_and_no_others() -> None:
    made = stack("team")
    monitors = [item["spec"]["endpoints"] for item in made.objects if item["kind"] == "ServiceMonitor"]
    named = {one["authorization"]["credentials"]["name"] for spec in monitors for one in spec if "authorization" in one}
    (role,) = [item for item in of_accounts(made) if item["kind"] == "Role" and item["metadata"]["namespace"] == "team"]
    assert named
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": sorted(named)}
    ]


class Home(NamedTuple):
    """The accounts' rights on a control plane."""

    plane: ControlPlane
    stack: str

    @property
    def namespace(self) -> str:
        """Where the accounts are."""
        return f"{self.stack}-monitoring"

    def may(self, account: str, verb: str, kind: str, namespace: str, name: str = "") -> bool:
        """Whether the API server lets an account do it; `kind` is `resource.group` or `resource/subresource`."""
        path, _, group = kind.partition(".")
        resource, _, subresource = path.partition("/")
        attributes = {"verb": verb, "resource": resource, "group": group, "subresource": subresource, "name": name}
        user = f"system:serviceaccount:{self.namespace}:{account}"
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes | {"namespace": namespace}},
        }
        collection = self.plane.api.path("authorization.k8s.io/v1", "SubjectAccessReview")
        return bool(self.plane.api.request("POST", collection, body=review).body["status"]["allowed"])


@pytest.fixture
def home(control_plane: ControlPlane, fresh_namespace: str) -> Iterator[Home]:
    """A stack's accounts and rights; what is in no namespace goes with the test."""
    items = of_accounts(stack(fresh_namespace))
    own = Home(control_plane, fresh_namespace)
    accounts: list[Object] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": own.namespace}}
        for name in (rights.OPERATOR, rights.PROMETHEUS)
    ]
    control_plane.apply([*items, *accounts]).check()
    yield own
    for item in items:
        if item["kind"] in ("ClusterRole", "ClusterRoleBinding"):
            control_plane.api.delete(item)


@pytest.mark.cluster
def test_the_operator_makes_its_servers_at_home_and_reads_no_secret_of_others(home: Home) -> None:
    operator = rights.OPERATOR
    needed = [
        *(("secrets", verb) for verb in ("list", "watch", "create", "update")),
        *(("statefulsets.apps", verb) for verb in ("list", "create", "patch", "delete")),
        *(("prometheuses.monitoring.coreos.com", verb) for verb in READ),
        ("prometheuses/status.monitoring.coreos.com", "update"),
    ]
    assert [one for one in needed if not home.may(operator, one[1], one[0], home.namespace)] == []
    assert home.may(operator, "list", "servicemonitors.monitoring.coreos.com", home.stack)
    assert home.may(operator, "get", "secrets", home.stack, "archesai-storage-metrics")
    forbidden = [
        ("get", "secrets", "archesai-database"),
        ("list", "secrets", ""),
        ("create", "secrets", ""),
        ("get", "configmaps", ""),
        ("create", "pods", ""),
        ("create", "statefulsets.apps", ""),
        ("create", "rolebindings.rbac.authorization.k8s.io", ""),
        ("patch", "servicemonitors.monitoring.coreos.com", ""),
    ]
    for namespace in (home.stack, "kube-system", "default"):
        assert [one for one in forbidden if home.may(operator, one[0], one[1], namespace, one[2])] == [], namespace


@pytest.mark.cluster
def test_the_operators_token_is_refused_the_secrets_of_another_namespace(home: Home) -> None:
    made = home.plane.kubectl("create", "token", rights.OPERATOR, f"--namespace={home.namespace}")
    assert made.returncode == 0, made.stderr
    kubeconfig = home.plane.kubeconfig_with_token(f"{home.stack}-operator", made.stdout.strip())
    refused = home.plane.kubectl("get", "secrets", f"--namespace={home.stack}", kubeconfig=kubeconfig)
    assert "forbidden" in refused.stderr
    listed = home.plane.kubectl("get", "secrets", f"--namespace={home.namespace}", kubeconfig=kubeconfig)
    assert listed.returncode == 0, listed.stderr


@pytest.mark.cluster
def test_prometheus_finds_its_targets_and_reads_no_configuration(home: Home) -> None:
    account = rights.PROMETHEUS
    for namespace in (home.stack, home.namespace, "kube-system"):
        for kind in ("pods", "services", "endpointslices.discovery.k8s.io"):
            assert home.may(account, "watch", kind, namespace)
        for verb, kind in (("get", "secrets"), ("get", "configmaps"), ("create", "pods"), ("create", "pods/exec")):
            assert not home.may(account, verb, kind, namespace), (verb, kind, namespace)
    assert home.may(account, "get", "nodes/metrics", "")
    assert not home.may(account, "get", "nodes/proxy", "")
