"""Values of the releases: the charts know every one of them, and what comes out is what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from archesai_infra.stack.evaluate import Evaluation
from testbed.monitoring import charts
from testbed.monitoring.chart_keys import CHART_KEYS
from testbed.monitoring.stacks import BACKED_UP, EVERYTHING, ON, everything, release
from testbed.stacks import Config, render

SIZED: Config = EVERYTHING | {
    "monitoring": {
        "enabled": True,
        "metrics": {"nodes": True, "size": "50Gi", "storageClass": "fast"},
        "logs": {"storage": "objectStorage", "storageClass": "fast"},
        "grafana": {"size": "5Gi", "storageClass": "fast"},
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
    "grafana/additionalDataSources",
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


@pytest.fixture(scope="module")
def production_like() -> Evaluation:
    return render(SIZED)


def test_prometheus_keeps_what_was_asked_for_and_selects_every_monitor(production_like: Evaluation) -> None:
    spec = _of(charts.render(production_like, "kube-prometheus-stack"), "Prometheus")[0]["spec"]
    assert (spec["retention"], spec["retentionSize"]) == ("90d", "43520MB")
    assert spec["storage"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] == "50Gi"
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert spec[f"{kind}Selector"] == {}
        assert spec[f"{kind}NamespaceSelector"] == {}


def test_alertmanager_reads_the_stacks_secret() -> None:
    spec = _of(charts.render(everything(), "kube-prometheus-stack"), "Alertmanager")[0]["spec"]
    assert spec["configSecret"] == "alertmanager-config"


def test_grafana_knows_prometheus_alertmanager_and_loki() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    text = next(item["data"]["datasource.yaml"] for item in objects if "datasource.yaml" in item.get("data", {}))
    assert {source["uid"] for source in yaml.safe_load(text)["datasources"]} == {"prometheus", "alertmanager", "loki"}


def test_the_charts_own_rules_and_dashboards_stay_out() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    assert not _of(objects, "PrometheusRule")
    assert not [item for item in objects if item["metadata"].get("labels", {}).get("grafana_dashboard")]


def test_only_the_operator_may_read_secrets_of_the_whole_cluster() -> None:
    readers = {
        item["metadata"]["name"]
        for name in ("kube-prometheus-stack", "loki", "alloy")
        for item in _of(charts.render(everything(), name), "ClusterRole")
        for rule in item["rules"]
        if {"secrets", "*"} & set(rule.get("resources", []))
    }
    assert readers == {"kube-prometheus-stack-operator"}


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
def test_every_image_comes_from_the_mirror(chart: str, production_like: Evaluation) -> None:
    images = {
        container["image"]
        for item in charts.render(production_like, chart)
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
def test_every_pod_may_pull_from_a_mirror_that_wants_a_login(chart: str, production_like: Evaluation) -> None:
    objects = charts.render(production_like, chart)
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


def test_grafanas_pod_follows_its_login_and_its_volume_outlives_the_release(production_like: Evaluation) -> None:
    objects = charts.render(production_like, "kube-prometheus-stack")
    grafana = next(item for item in _of(objects, "Deployment") if item["metadata"]["name"].endswith("-grafana"))
    mark = grafana["spec"]["template"]["metadata"]["annotations"]["archesai.com/secrets"]
    assert len(mark) == 16
    claim = _of(objects, "PersistentVolumeClaim")[0]
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_jobs_that_must_not_go_missing_are_named_as_the_chart_names_them() -> None:
    objects = charts.render(everything(), "kube-prometheus-stack")
    services = {item["metadata"]["name"]: item["metadata"] for item in _of(objects, "Service")}
    jobs = {("kubelet", "kube-system")}
    for item in _of(objects, "ServiceMonitor"):
        named_by = item["spec"].get("jobLabel")
        wanted = item["spec"]["selector"]["matchLabels"].items()
        for service in services.values():
            if wanted <= service["labels"].items():
                jobs.add((service["labels"].get(named_by, service["name"]), service["namespace"]))
    assert {("kube-state-metrics", "monitoring"), ("node-exporter", "node-exporter")} <= jobs
    kubelet = next(item for item in _of(objects, "ServiceMonitor") if item["metadata"]["name"].endswith("-kubelet"))
    assert kubelet["spec"]["selector"]["matchLabels"][kubelet["spec"]["jobLabel"]] == "kubelet"
    operator = next(item for item in _of(objects, "Deployment") if item["metadata"]["name"].endswith("-operator"))
    arguments = operator["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--kubelet-service=kube-system/kube-prometheus-stack-kubelet" in arguments


def test_veleros_monitors_are_found_under_its_name_by_an_operator_that_selects_by_labels() -> None:
    monitoring = {"enabled": True, "operator": "existing", "labels": {"release": "theirs"}}
    objects = charts.render(render(BACKED_UP | {"monitoring": monitoring}), "velero")
    monitors = [*_of(objects, "ServiceMonitor"), *_of(objects, "PodMonitor")]
    assert {item["metadata"]["labels"]["release"] for item in monitors} == {"theirs"}
    spec = _of(objects, "ServiceMonitor")[0]["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    services = [item for item in _of(objects, "Service") if wanted <= item["metadata"]["labels"].items()]
    # Without a `jobLabel` the job has the name of its Service.
    assert [item["metadata"]["name"] for item in services] == ["velero"]
    assert "jobLabel" not in spec
    assert {one["port"] for one in spec["endpoints"]} == {port["name"] for port in services[0]["spec"]["ports"]}
