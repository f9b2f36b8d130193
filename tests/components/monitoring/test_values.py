"""Values of the releases: the charts know every one of them, and what comes out is what was asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.components.monitoring import rights
from archesai_infra.stack.evaluate import Evaluation
from testbed.monitoring import charts
from testbed.monitoring.chart_keys import CHART_KEYS
from testbed.monitoring.programs import program
from testbed.monitoring.stacks import BACKED_UP, EVERYTHING, INGRESS, ON, everything, release
from testbed.stacks import Config, render

OIDC = {
    "clientId": "grafana",
    "existingSecret": "grafana-oidc",
    "authUrl": "https://id.example.com/authorize",
    "tokenUrl": "https://id.example.com/token",
    "apiUrl": "https://id.example.com/userinfo",
    "roleAttributePath": "contains(groups[*], 'operators') && 'Admin' || 'Viewer'",
    "allowedDomains": ["example.com"],
    "only": True,
}
SIZED: Config = EVERYTHING | {
    "monitoring": {
        "enabled": True,
        "metrics": {"nodes": True, "size": "50Gi", "storageClass": "fast"},
        "logs": {"storage": "objectStorage", "storageClass": "fast"},
        "grafana": {"size": "5Gi", "storageClass": "fast", "oidc": OIDC},
    },
    "images": {"registry": "registry.example.com"},
    "security": {"registry": {"server": "registry.example.com", "username": "robot"}},
    "registryPassword": "made-up",
}
STACKS: dict[str, Config] = {"one switch": ON, "every module": EVERYTHING, "everything set": SIZED}


def _leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}{key}/")
        else:
            yield f"{path}{key}"


def _unknown(chart: str, values: dict[str, Any]) -> list[str]:
    known = CHART_KEYS[chart].keys
    below = tuple(key.removesuffix("*") for key in known if key.endswith("/*"))
    return [leaf for leaf in _leaves(values) if leaf not in known and not leaf.startswith(below)]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("chart", sorted(CHART_KEYS))
def test_every_value_is_one_that_the_pinned_chart_knows(chart: str, stack: str) -> None:
    inputs = release(render(STACKS[stack]), chart)
    assert inputs["version"] == CHART_KEYS[chart].version
    assert _unknown(chart, inputs["values"]) == []


@pytest.mark.parametrize("chart", sorted(CHART_KEYS))
def test_every_known_key_is_set_by_some_stack(chart: str) -> None:
    leaves = [leaf for config in STACKS.values() for leaf in _leaves(release(render(config), chart)["values"])]
    unused = [key for key in CHART_KEYS[chart].keys if not any(_covers(key, leaf) for leaf in leaves)]
    assert unused == []


def _covers(key: str, leaf: str) -> bool:
    return leaf.startswith(key.removesuffix("*")) if key.endswith("/*") else leaf == key


def test_a_misspelt_value_is_unknown() -> None:
    values = {"prometheus": {"prometheusSpec": {"retension": "90d"}}, "grafana": {"grafana.ini": {"any": {"thing": 1}}}}
    assert _unknown("kube-prometheus-stack", values) == ["prometheus/prometheusSpec/retension"]


OPTIONAL = {
    "alertmanager/alertmanagerSpec/configSecret",
    "grafana/datasources/*",
    "grafana/dashboardProviders/*",
    "grafana/dashboardsConfigMaps/*",
    "grafana/envValueFrom/*",
    "prometheus/prometheusSpec/serviceMonitorNamespaceSelector/*",
    "prometheus/prometheusSpec/podMonitorNamespaceSelector/*",
    "prometheus/prometheusSpec/ruleNamespaceSelector/*",
    "prometheus/prometheusSpec/probeNamespaceSelector/*",
    "prometheus/prometheusSpec/scrapeConfigNamespaceSelector/*",
    "grafana/persistence/annotations/*",
    "grafana/persistence/storageClassName",
    "grafana/podAnnotations/*",
    "prometheus-node-exporter/namespaceOverride",
    "loki/storage/bucketNames/*",
}
"""Keys that the chart's values.yaml has as a comment, and its templates read."""


@pytest.mark.parametrize("chart", sorted(CHART_KEYS))
def test_the_list_of_keys_is_that_of_the_charts_own_values(chart: str) -> None:
    version, keys = CHART_KEYS[chart]
    defaults = charts.default_values(charts.archive(chart, version), chart)
    assert [key for key in sorted(keys - OPTIONAL) if not _exists(defaults, key.removesuffix("/*"))] == []


def _exists(values: Any, path: str) -> bool:  # noqa: ANN401 - YAML
    for key in path.split("/"):
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _of(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in objects if item["kind"] == kind]


def production() -> Evaluation:
    """The stack with everything set."""
    return render(SIZED)


def test_prometheus_keeps_what_was_asked_for_and_selects_every_monitor() -> None:
    spec = _of(charts.render(production(), "kube-prometheus-stack"), "Prometheus")[0]["spec"]
    assert (spec["retention"], spec["retentionSize"]) == ("90d", "43520MB")
    assert spec["storage"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] == "50Gi"
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert spec[f"{kind}Selector"] == {}
        (rule,) = spec[f"{kind}NamespaceSelector"]["matchExpressions"]
        assert (rule["key"], rule["operator"]) == ("kubernetes.io/metadata.name", "In")
        assert rule["values"] == ["archesai", "monitoring", "node-exporter"]
    assert spec["arbitraryFSAccessThroughSMs"] == {"deny": True}


def test_no_monitor_of_the_charts_names_a_file_that_prometheus_would_refuse() -> None:
    charted = {"kube-prometheus-stack", "loki", "alloy", "velero"}
    endpoints = [
        endpoint
        for name in charted
        for kind, key in (("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints"))
        for item in _of(charts.render(render(BACKED_UP), name), kind)
        for endpoint in item["spec"][key]
    ]
    assert endpoints
    assert [one for one in endpoints if "bearerTokenFile" in one or "caFile" in one.get("tlsConfig", {})] == []


def test_the_operator_acts_in_the_stacks_namespaces_alone() -> None:
    objects = charts.render(render(BACKED_UP), "kube-prometheus-stack")
    operator = next(item for item in _of(objects, "Deployment") if item["metadata"]["name"].endswith("-operator"))
    arguments = operator["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--namespaces=monitoring,archesai,node-exporter,velero" in arguments
    assert "--prometheus-instance-namespaces=monitoring" in arguments
    assert "--alertmanager-instance-namespaces=monitoring" in arguments
    assert "--alertmanager-config-namespaces=monitoring" in arguments
    assert not any(argument.startswith("--kubelet-service") for argument in arguments)


def test_grafana_as_the_chart_renders_it_has_no_token_no_role_and_no_sidecar() -> None:
    objects = charts.render(production(), "kube-prometheus-stack")
    kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    rights = [item for kind in kinds for item in _of(objects, kind)]
    assert [item for item in rights if "grafana" in item["metadata"]["name"]] == []
    (pod,) = [
        item["spec"]["template"]["spec"] for item in _of(objects, "Deployment") if "grafana" in item["metadata"]["name"]
    ]
    assert pod["automountServiceAccountToken"] is False
    assert [container["name"] for container in pod["containers"]] == ["grafana"]
    mounted = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    assert {"archesai-dashboard-database", "archesai-dashboard-infrastructure"} <= mounted


def test_alertmanager_reads_the_stacks_secret() -> None:
    spec = _of(charts.render(everything(), "kube-prometheus-stack"), "Alertmanager")[0]["spec"]
    assert spec["configSecret"] == "alertmanager-config"


def test_grafana_knows_prometheus_alertmanager_and_loki() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    text = next(item["data"]["datasources.yaml"] for item in objects if "datasources.yaml" in item.get("data", {}))
    assert {source["uid"] for source in yaml.safe_load(text)["datasources"]} == {"prometheus", "alertmanager", "loki"}


def test_the_charts_own_rules_and_dashboards_stay_out() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    assert not _of(objects, "PrometheusRule")
    assert not [item for item in objects if item["metadata"].get("labels", {}).get("grafana_dashboard")]


def test_no_chart_gives_a_right_on_the_secrets_of_the_cluster_or_a_wildcard() -> None:
    rules = [
        rule
        for name in ("kube-prometheus-stack", "loki", "alloy")
        for item in _of(charts.render(everything(), name), "ClusterRole")
        for rule in item["rules"]
    ]
    assert rules
    assert [rule for rule in rules if "secrets" in rule.get("resources", []) or "*" in str(rule)] == []


def test_rights_are_bound_to_the_accounts_that_the_chart_makes() -> None:
    made = charts.render(everything(), "kube-prometheus-stack")
    accounts = {item["metadata"]["name"] for item in _of(made, "ServiceAccount")}
    assert {rights.OPERATOR, rights.PROMETHEUS} <= accounts


def test_alloy_may_read_the_logs_of_the_stacks_namespace_only() -> None:
    objects = charts.render(everything(), "alloy")
    assert not _of(objects, "ClusterRole")
    roles = _of(objects, "Role")
    assert {role["metadata"]["namespace"] for role in roles} == {"archesai"}
    assert {resource for role in roles for rule in role["rules"] for resource in rule["resources"]} == {
        "pods",
        "pods/log",
    }


def test_the_definitions_outlive_the_release() -> None:
    objects = charts.render(everything(), "prometheus-operator-crds")
    kept = {item["metadata"]["annotations"]["helm.sh/resource-policy"] for item in objects}
    assert kept == {"keep"}
    assert {item["kind"] for item in objects} == {"CustomResourceDefinition"}


@pytest.mark.parametrize("chart", ["kube-prometheus-stack", "loki", "alloy"])
def test_pods_outside_the_node_exporters_namespace_pass_restricted(chart: str) -> None:
    for item in charts.render(everything(), chart):
        if item["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            continue
        if item["metadata"]["namespace"] == "node-exporter":
            continue
        pod = item["spec"]["template"]["spec"]
        assert not [volume for volume in pod.get("volumes") or [] if "hostPath" in volume]
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in (*pod["containers"], *(pod.get("initContainers") or [])):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert container["resources"]["limits"]["memory"]
            seccomp = security.get("seccompProfile") or pod["securityContext"].get("seccompProfile")
            assert seccomp == {"type": "RuntimeDefault"}


@pytest.mark.parametrize("chart", ["kube-prometheus-stack", "loki", "alloy"])
def test_every_image_comes_from_the_mirror(chart: str) -> None:
    images = {
        container["image"]
        for item in charts.render(production(), chart)
        if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet")
        for container in item["spec"]["template"]["spec"]["containers"]
    }
    assert images
    assert all(image.startswith("registry.example.com/") for image in images)


def test_nothing_is_written_into_namespaces_of_others() -> None:
    places = {
        item["metadata"].get("namespace")
        for name in ("kube-prometheus-stack", "loki", "alloy")
        for item in charts.render(everything(), name)
    }
    # None: what belongs to no namespace.
    assert places == {None, "monitoring", "node-exporter", "archesai"}


@pytest.mark.parametrize("chart", ["kube-prometheus-stack", "loki", "alloy"])
def test_every_pod_may_pull_from_a_mirror_that_wants_a_login(chart: str) -> None:
    objects = charts.render(production(), chart)
    login = [{"name": "regcred"}]
    accounts = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item.get("imagePullSecrets")
        for item in _of(objects, "ServiceAccount")
    }
    workloads = [item for item in objects if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet")]
    assert workloads
    for item in workloads:
        pod, home = item["spec"]["template"]["spec"], item["metadata"]["namespace"]
        assert login in (pod.get("imagePullSecrets"), accounts[home, pod["serviceAccountName"]]), item["metadata"]
    for item in (*_of(objects, "Prometheus"), *_of(objects, "Alertmanager")):
        assert item["spec"]["imagePullSecrets"] == login


def test_grafanas_pod_follows_its_login_and_its_volume_outlives_the_release() -> None:
    objects = charts.render(production(), "kube-prometheus-stack")
    grafana = next(item for item in _of(objects, "Deployment") if item["metadata"]["name"].endswith("-grafana"))
    mark = grafana["spec"]["template"]["metadata"]["annotations"]["archesai.com/secrets"]
    assert len(mark) == 16
    claim = _of(objects, "PersistentVolumeClaim")[0]
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_jobs_that_must_not_go_missing_are_named_as_the_chart_names_them() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    services = {item["metadata"]["name"]: item["metadata"] for item in _of(objects, "Service")}
    jobs: set[tuple[str, str]] = set()
    for item in _of(objects, "ServiceMonitor"):
        named_by = item["spec"].get("jobLabel")
        wanted = item["spec"]["selector"]["matchLabels"].items()
        for service in services.values():
            if wanted <= service["labels"].items():
                jobs.add((service["labels"].get(named_by, service["name"]), service["namespace"]))
    assert {("kube-state-metrics", "monitoring"), ("node-exporter", "node-exporter")} <= jobs


def test_a_real_prometheus_takes_how_the_kubelets_are_read_and_labels_both_pages_as_the_rules_expect(
    tmp_path: Path,
) -> None:
    spec = release(everything(), "kube-prometheus-stack")["values"]["prometheus"]["prometheusSpec"]
    jobs = spec["additionalScrapeConfigs"]
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    directory = "/var/run/secrets/kubernetes.io/serviceaccount"
    # Debian's build has no discovery in Kubernetes.
    known = [{key: value for key, value in job.items() if key != "kubernetes_sd_configs"} for job in jobs]
    text = yaml.safe_dump({"scrape_configs": known}).replace(directory, str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    command = [program("promtool"), "check", "config", "--syntax-only", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for job in jobs:
        fixed = {rule["target_label"]: rule.get("replacement") for rule in job["relabel_configs"]}
        assert (fixed["job"], fixed["namespace"]) == ("kubelet", "kube-system")
    assert [job["metrics_path"] for job in jobs] == ["/metrics", "/metrics/cadvisor"]


def test_veleros_monitors_are_found_under_its_name_by_an_operator_that_selects_by_labels() -> None:
    monitoring = {"enabled": True, "operator": "existing", "labels": {"release": "theirs"}}
    objects = charts.render(render(BACKED_UP | {"monitoring": monitoring, "ingress": INGRESS}), "velero")
    monitors = [*_of(objects, "ServiceMonitor"), *_of(objects, "PodMonitor")]
    assert {item["metadata"]["labels"]["release"] for item in monitors} == {"theirs"}
    spec = _of(objects, "ServiceMonitor")[0]["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    services = [item for item in _of(objects, "Service") if wanted <= item["metadata"]["labels"].items()]
    # Without a `jobLabel` the job has the name of its Service.
    assert [item["metadata"]["name"] for item in services] == ["velero"]
    assert "jobLabel" not in spec
    assert {one["port"] for one in spec["endpoints"]} == {port["name"] for port in services[0]["spec"]["ports"]}


def test_grafana_has_no_right_at_the_api_server_and_reads_nothing_there() -> None:
    grafana = release(everything(), "kube-prometheus-stack")["values"]["grafana"]
    assert grafana["rbac"] == {"create": False}
    assert grafana["automountServiceAccountToken"] is False
    assert [part["enabled"] for part in grafana["sidecar"].values()] == [False, False]


def test_grafana_mounts_every_dashboard_from_its_own_namespace() -> None:
    built = everything()
    grafana = release(built, "kube-prometheus-stack")["values"]["grafana"]
    maps = {item["metadata"]["name"] for item in built.objects if "grafana_dashboard" in item["metadata"]["labels"]}
    places = {item["metadata"]["namespace"] for item in built.objects if item["metadata"]["name"] in maps}
    providers = grafana["dashboardProviders"]["dashboardproviders.yaml"]["providers"]
    assert set(grafana["dashboardsConfigMaps"].values()) == maps
    assert places == {"monitoring"}
    assert {provider["name"] for provider in providers} == set(grafana["dashboardsConfigMaps"])


def test_signing_in_by_a_provider_takes_the_clients_secret_from_a_secret_and_needs_a_role() -> None:
    grafana = release(render(SIZED), "kube-prometheus-stack")["values"]["grafana"]
    signed = grafana["grafana.ini"]["auth.generic_oauth"]
    assert "client_secret" not in signed
    assert (signed["use_pkce"], signed["role_attribute_strict"], signed["allowed_domains"]) == (
        True,
        True,
        "example.com",
    )
    assert grafana["grafana.ini"]["auth"] == {"disable_login_form": True}
    assert grafana["envValueFrom"] == {
        "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": {"secretKeyRef": {"name": "grafana-oidc", "key": "clientSecret"}}
    }
    assert (
        "auth.generic_oauth" not in release(everything(), "kube-prometheus-stack")["values"]["grafana"]["grafana.ini"]
    )
