"""The rights of the installed controller, tried with a real Traefik on a real API server."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from archesai_infra.components.ingress.chart import chart_values
from archesai_infra.components.ingress.rights import ACCOUNT
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import ON
from testbed.monitoring.programs import program
from testbed.stacks import render

RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
SERVED = ("Namespace", *RIGHTS, "Service", "Ingress")


def stack(name: str) -> Evaluation:
    """A stack in a namespace of its own, with hosts for the api and for Grafana."""
    ingress = ON | {
        "hosts": {"grafana": "grafana"},
        "controller": {"install": True, "namespace": f"{name}-ingress"},
    }
    monitoring = ON | {"namespace": f"{name}-monitoring", "alerts": {"unattended": True}}
    return render({"namespace": name, "domain": "example.com", "ingress": ingress, "monitoring": monitoring})


def rules(evaluation: Evaluation, kind: str) -> list[dict[str, Any]]:
    return [rule for item in evaluation.objects if item["kind"] == kind for rule in item["rules"]]


def test_no_right_on_the_whole_cluster_covers_secrets_and_none_is_a_wildcard() -> None:
    made = stack("team")
    whole = [rule for rule in rules(made, "ClusterRole") if {"secrets", "configmaps"} & set(rule["resources"])]
    assert whole == []
    assert "*" not in str([*rules(made, "ClusterRole"), *rules(made, "Role")])


def test_the_rights_are_in_the_namespaces_with_hosts_alone() -> None:
    places = {
        item["metadata"]["namespace"]
        for item in stack("team").objects
        if item["kind"] == "RoleBinding" and item["subjects"][0]["name"] == ACCOUNT
    }
    assert places == {"team", "team-monitoring"}


def ingress_class(name: str) -> Object:
    """The class of the stack under a name of its own: the class nginx of this API server is another test's."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    }


def of_a_tenant(namespace: str) -> list[Object]:
    """An Ingress that takes a path of the stack's host."""
    backend = {"service": {"name": "login", "port": {"number": 80}}}
    rule = {"host": "api.example.com", "http": {"paths": [{"path": "/auth", "pathType": "Prefix", "backend": backend}]}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "login", "namespace": namespace},
            "spec": {"ingressClassName": "nginx", "rules": [rule]},
        },
    ]


def arguments(rig: ControlPlane, evaluation: Evaluation, token: str, directory: Path) -> list[str]:
    """What the chart would start Traefik with for class nginx, from outside of the cluster."""
    settings = evaluation.settings
    values = chart_values(settings.ingress, None, (settings.namespace, settings.monitoring.namespace))
    provider = dict(values["providers"]["kubernetesIngressNGINX"])
    assert provider.pop("enabled") is True
    cluster = yaml.safe_load(rig.admin_kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    authority = directory / "ca.crt"
    if "certificate-authority-data" in cluster:
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    else:
        authority = Path(cluster["certificate-authority"])
    provider |= {"endpoint": cluster["server"], "token": token, "certAuthFilePath": str(authority)}
    provider["ingressClass"] = settings.namespace
    name = "--providers.kubernetesingressnginx"
    return [f"{name}=true", *(f"{name}.{key.lower()}={value}" for key, value in provider.items())]


def routers(port: int) -> list[dict[str, Any]]:
    """Traefik's routers as its API lists them; none while it starts."""
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/api/http/routers", retries=False, timeout=5).json()
    except urllib3.exceptions.NewConnectionError:
        return []


@pytest.mark.cluster
def test_a_real_traefik_serves_the_hosts_of_the_stack_with_these_rights_and_no_other_namespaces(
    control_plane: ControlPlane, fresh_namespace: str, tmp_path: Path
) -> None:
    traefik = program("traefik")
    evaluation = stack(fresh_namespace)
    home = f"{fresh_namespace}-ingress"
    items = [item for kind in SERVED for item in evaluation.objects if item["kind"] == kind]
    items += of_a_tenant(f"{fresh_namespace}-tenant")
    for item in items:
        if item["kind"] == "Ingress":
            item["spec"] = item["spec"] | {"ingressClassName": fresh_namespace}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": home}}
    grafana = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-prometheus-stack-grafana", "namespace": f"{fresh_namespace}-monitoring"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "grafana"}},
    }
    control_plane.apply([ingress_class(fresh_namespace), *items, account, grafana]).check()
    made = control_plane.kubectl("create", "token", ACCOUNT, f"--namespace={home}")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    asked = control_plane.kubectl(
        *("get", "secrets", f"--namespace={fresh_namespace}-tenant"),
        kubeconfig=control_plane.kubeconfig_with_token("controller", token),
    )
    assert "forbidden" in asked.stderr
    (web, api) = free_ports(2)
    points = [f"--entrypoints.web.address=127.0.0.1:{web}", f"--entrypoints.traefik.address=127.0.0.1:{api}"]
    command = [traefik, *points, "--api.insecure=true", *arguments(control_plane, evaluation, token, tmp_path)]
    with closing(Processes(tmp_path)) as processes:
        processes.start("traefik", command)

        def missing() -> list[str]:
            processes.check()
            served = str(routers(api))
            return [host for host in ("api.example.com", "grafana.example.com") if host not in served]

        control_plane.wait_for("the hosts are served", missing, seconds=60)
        found = routers(api)
    assert [router for router in found if "/auth" in router["rule"] or "tenant" in router["name"]] == []
