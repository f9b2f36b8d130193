"""Monitoring comes and goes as a whole, follows the modules, and leaves the rest of the stack alone."""

from __future__ import annotations

import re

import pytest

from archesai_infra.components.storage import User
from archesai_infra.components.storage import metrics as storage_metrics
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.storage import storage_users
from testbed.matrix import PRODUCTION
from testbed.monitoring.stacks import (
    BACKED_UP,
    EVERYTHING,
    INGRESS,
    ON,
    alerts,
    dashboards,
    everything,
    of_kind,
    queries,
    release,
)
from testbed.stacks import Config, find, render

PROMETHEUS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
}
STORAGE_USER = {"storage-prometheus-key", "storage-prometheus-secret"}
"""What the object storage gives Prometheus; its Job makes the user."""
WITHOUT_HOST: Config = EVERYTHING | {"ingress": INGRESS}
OFF: Config = WITHOUT_HOST | {"monitoring": {"enabled": False}}


def _by_urn(evaluation: Evaluation) -> dict[str, object]:
    return {resource.lasting_urn: resource.inputs for resource in evaluation.resources}


def _belongs(urn: str) -> bool:
    own = ("archesai:index:Monitoring", "archesai:index:DatabaseExporter", "archesai:index:RedisExporter")
    return any(part in urn for part in own)


def test_on_adds_its_own_objects_and_off_takes_exactly_those_away() -> None:
    before, on, after = _by_urn(render(OFF)), _by_urn(render(WITHOUT_HOST)), _by_urn(render(OFF))
    added = set(on) - set(before)
    assert after == before
    assert added
    assert all(_belongs(urn) or urn.rpartition("::")[2] in STORAGE_USER for urn in added)
    assert not any(_belongs(urn) for urn in before)


def test_it_changes_only_policies_that_let_prometheus_in_and_the_job_that_makes_its_user() -> None:
    before, on = _by_urn(render(OFF)), _by_urn(render(WITHOUT_HOST))
    changed = {urn for urn in before if before[urn] != on[urn]}
    kinds = {urn.split("::")[2].rpartition("$")[2] for urn in changed if "archesai:index:Bucket$" not in urn}
    assert kinds == {"kubernetes:networking.k8s.io/v1:NetworkPolicy"}


def test_one_switch_gives_complete_monitoring() -> None:
    built = render(ON)
    assert {item.inputs["name"] for item in built.releases} == {
        "prometheus-operator-crds",
        "kube-prometheus-stack",
        "loki",
        "alloy",
    }
    assert set(of_kind(built, "ServiceMonitor")) == {"archesai-database-exporter"}
    assert set(dashboards(built)) == {"infrastructure", "database", "logs", "business"}
    assert of_kind(built, "Secret").keys() >= {"grafana-admin", "alertmanager-config"}


def test_redis_brings_its_exporter_dashboard_and_alerts() -> None:
    with_redis = render(ON | {"redis": {"enabled": True}})
    assert "redis" in dashboards(with_redis)
    assert {"RedisUnreachable", "RedisMemoryNearLimit"} <= set(alerts(with_redis))
    assert "archesai-redis-exporter" in of_kind(with_redis, "Deployment")
    assert "archesai-redis-exporter" not in of_kind(render(ON), "Deployment")


def test_prometheus_is_the_only_one_let_at_the_exporters() -> None:
    for name, port in (("archesai-database-exporter", 9187), ("archesai-redis-exporter", 9121)):
        spec = find(everything(), "NetworkPolicy", name)["spec"]
        assert spec["ingress"] == [{"from": [PROMETHEUS], "ports": [{"protocol": "TCP", "port": port}]}]
    api = find(everything(), "NetworkPolicy", "archesai-api")["spec"]["ingress"]
    assert {"from": [PROMETHEUS], "ports": [{"protocol": "TCP", "port": 3001}]} in api


def test_the_exporters_get_passwords_by_reference_only() -> None:
    expected = {
        "archesai-database-exporter": {"DATA_SOURCE_NAME": ("archesai-database", "MONITOR_URL")},
        "archesai-redis-exporter": {"REDIS_PASSWORD": ("archesai-redis-users", "exporter")},
    }
    for name, references in expected.items():
        container = find(everything(), "Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        found = {
            item["name"]: (item["valueFrom"]["secretKeyRef"]["name"], item["valueFrom"]["secretKeyRef"]["key"])
            for item in container["env"]
            if "valueFrom" in item
        }
        assert found == references


def test_an_external_database_has_an_exporter_too() -> None:
    database = {"mode": "external", "host": "db.example.com", "cidrs": ["10.1.0.0/16"]}
    built = render(ON | {"database": database, "databasePassword": "made-up"})
    egress = find(built, "NetworkPolicy", "archesai-database-exporter")["spec"]["egress"]
    assert egress == [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5432}]}]


def test_an_existing_operator_gets_monitors_rules_and_dashboards_only() -> None:
    config = {"enabled": True, "operator": "existing", "namespace": "observability", "labels": {"release": "main"}}
    built = render({"monitoring": config, "ingress": INGRESS})
    assert not {item.inputs["name"] for item in built.releases} & {"kube-prometheus-stack", "loki", "alloy"}
    assert not [item for item in built.objects if item["metadata"].get("namespace") == "observability"]
    for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        assert {item["metadata"]["labels"]["release"] for item in of_kind(built, kind).values()} == {"main"}
    assert "logs" not in dashboards(built)
    assert "Watchdog" not in alerts(built)
    policy = find(built, "NetworkPolicy", "archesai-database-exporter")["spec"]["ingress"][0]["from"][0]
    assert policy["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}


def test_a_process_on_the_developers_machine_is_not_scraped() -> None:
    built = render(ON | {"api": {"runOnHost": {"ip": "172.18.0.1", "port": 3001}}})
    assert "archesai-api" not in of_kind(built, "ServiceMonitor")
    assert not any(name.startswith("Api") for name in alerts(built))


def test_monitors_keep_the_labels_of_what_they_scrape() -> None:
    api = of_kind(everything(), "ServiceMonitor")["archesai-api"]["spec"]["endpoints"][0]
    assert api == {
        "interval": "30s",
        "port": "http",
        "path": "/metrics",
        "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
    }
    pods = of_kind(everything(), "PodMonitor")
    assert set(pods) == {"archesai-ingress-controller", "archesai-cert-manager"}
    assert all(item["spec"]["podMetricsEndpoints"][0]["honorLabels"] for item in pods.values())


def test_prometheus_reads_minios_metrics_with_a_token_of_their_own_secret() -> None:
    endpoints = of_kind(everything(), "ServiceMonitor")["archesai-storage"]["spec"]["endpoints"]
    assert [(one["port"], one["path"]) for one in endpoints] == [
        ("s3", "/minio/v2/metrics/cluster"),
        ("s3", "/minio/v2/metrics/bucket"),
    ]
    for one in endpoints:
        assert one["authorization"] == {"credentials": {"name": "archesai-storage-metrics", "key": "token"}}
        assert {"sourceLabels": ["__metrics_path__"], "targetLabel": "metrics_path"} in one["relabelings"]
    secrets = of_kind(render(EVERYTHING, reveal=True), "Secret")
    keys = secrets["archesai-storage-prometheus"]["stringData"]
    assert secrets["archesai-storage-metrics"]["stringData"] == {
        "token": storage_metrics.token(keys["ACCESS_KEY"], keys["SECRET_KEY"])
    }
    policy = find(everything(), "NetworkPolicy", "archesai-storage")["spec"]["ingress"]
    assert {"from": [PROMETHEUS], "ports": [{"protocol": "TCP", "port": 9000}]} in policy


def test_a_storage_without_metrics_is_watched_by_its_pod_and_its_volume() -> None:
    built = render(ON | {"storage": {"enabled": True}})
    assert "archesai-storage" not in of_kind(built, "ServiceMonitor")
    assert "archesai-storage-metrics" not in of_kind(built, "Secret")
    assert not {name for name in alerts(built) if name.startswith("Storage")}
    expressions = [expr for key, expr in queries(built, "prometheus").items() if key.startswith("storage: ")]
    assert expressions
    assert not [expr for expr in expressions if "minio_" in expr]
    policy = str(find(built, "NetworkPolicy", "archesai-storage")["spec"]["ingress"])
    assert "prometheus" not in policy


def test_an_external_storage_has_no_dashboard() -> None:
    external = {"enabled": True, "mode": "external", "host": "s3.example.com"}
    keys = {"storageAccessKey": "made-up", "storageSecretKey": "made-up"}
    assert "storage" not in dashboards(render(ON | {"storage": external} | keys))


def test_a_target_that_is_down_is_told_in_every_namespace_with_targets() -> None:
    expr = alerts(render(BACKED_UP))["TargetDown"]["expr"]
    pattern = expr.partition('namespace=~"')[2].partition('"')[0]
    assert set(pattern.split("|")) == {
        "archesai",
        "monitoring",
        "ingress",
        "node-exporter",
        "cert-manager",
        "velero",
    }
    assert 'up{job="kubelet"} == 0' in expr


def test_a_job_that_alerts_stand_on_must_not_go_missing() -> None:
    expr = alerts(render(BACKED_UP))["TargetMissing"]["expr"]
    assert set(re.findall(r'job="([^"]+)",namespace="([^"]+)"', expr)) == {
        ("archesai-api", "archesai"),
        ("archesai-database-exporter", "archesai"),
        ("archesai-redis-exporter", "archesai"),
        ("archesai-storage", "archesai"),
        ("kube-state-metrics", "monitoring"),
        ("kubelet", "kube-system"),
        ("node-exporter", "node-exporter"),
        ("velero", "velero"),
    }


def _login_mark(config: Config) -> str | None:
    values = release(render(config), "kube-prometheus-stack")["values"]
    return values["grafana"].get("podAnnotations", {}).get("archesai.com/secrets")


def test_another_password_of_grafana_is_another_pod() -> None:
    first, second = (ON | {"grafanaAdminPassword": f"made-up-{number}"} for number in (1, 2))
    assert _login_mark(first) != _login_mark(second)
    assert _login_mark(first) == _login_mark(first | {"redis": {"enabled": True}})
    assert _login_mark({"monitoring": {"enabled": True, "grafana": {"existingSecret": "theirs"}}}) is None


def test_a_mirror_that_wants_a_login_gets_it_in_every_namespace_of_the_releases() -> None:
    login = {"security": {"registry": {"server": "r.example.com", "username": "robot"}}, "registryPassword": "made-up"}
    mirror = {"images": {"registry": "r.example.com"}}

    def places(config: Config) -> set[str]:
        secrets = [item for item in render(config).objects if item["kind"] == "Secret"]
        return {item["metadata"]["namespace"] for item in secrets if item["metadata"]["name"] == "regcred"}

    assert places(EVERYTHING | login | mirror) == {"archesai", "monitoring", "node-exporter", "ingress", "cert-manager"}
    assert places(ON | login | mirror) == {"archesai", "monitoring"}
    assert places(EVERYTHING | login) == {"archesai"}
    assert places(EVERYTHING | mirror) == set()


@pytest.mark.parametrize("retain", [True, False])
def test_the_namespace_with_the_measured_data_is_kept_as_the_stacks_own_is(retain: bool) -> None:  # noqa: FBT001
    built = render(
        PRODUCTION | {"retainData": retain, "monitoring": EVERYTHING["monitoring"] | {"alerts": {"unattended": True}}}
    )
    by_name = {item.inputs["metadata"]["name"]: item for item in built.resources if item.type.endswith(":Namespace")}
    own, kept, nodes = (by_name[name] for name in ("archesai", "monitoring", "node-exporter"))
    assert (kept.retain_on_delete, kept.protect) == (retain, True)
    assert (own.retain_on_delete, own.protect, own.provider) == (retain, True, kept.provider)
    assert (nodes.retain_on_delete, nodes.protect) == (False, False)
    annotations = release(built, "kube-prometheus-stack")["values"]["grafana"]["persistence"].get("annotations")
    assert annotations == ({"helm.sh/resource-policy": "keep"} if retain else None)


def test_every_monitor_selects_the_labels_of_exactly_one_service() -> None:
    services = of_kind(everything(), "Service")
    for name, monitor in of_kind(everything(), "ServiceMonitor").items():
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        selected = {key: item for key, item in services.items() if wanted <= item["metadata"]["labels"].items()}
        relabelings = [one for endpoint in monitor["spec"]["endpoints"] for one in endpoint.get("relabelings", [])]
        only = {one["regex"] for one in relabelings if one.get("action") == "keep"} or set(selected)
        matching = {key: item for key, item in selected.items() if key in only}
        assert list(matching) == [name]
        ports = {port["name"] for port in matching[name]["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports


def _sources_of_grafana(built: Evaluation) -> set[str]:
    """Namespaces that reach Grafana's port."""
    policy = of_kind(built, "NetworkPolicy")["archesai-chart-grafana"]["spec"]
    return {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in policy["ingress"]
        for peer in rule["from"]
        if {"protocol": "TCP", "port": 3000} in rule["ports"]
    }


def test_grafana_has_a_host_with_a_certificate_and_a_way_in() -> None:
    built = everything()
    ingress = of_kind(built, "Ingress")["archesai-grafana"]
    assert ingress["metadata"]["namespace"] == "monitoring"
    assert ingress["spec"]["rules"][0]["host"] == "grafana.localhost"
    assert ingress["spec"]["tls"] == [{"hosts": ["grafana.localhost"], "secretName": "archesai-grafana-tls"}]
    assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt-prod"
    assert "ingress" in _sources_of_grafana(built)
    assert built.outputs["urls"]["grafana"] == "https://grafana.localhost"


def test_traefik_finds_grafanas_middlewares_beside_it() -> None:
    built = render(ON | {"ingress": {"enabled": True, "className": "traefik", "hosts": {"grafana": "grafana"}}})
    annotations = of_kind(built, "Ingress")["archesai-grafana"]["metadata"]["annotations"]
    names = annotations["traefik.ingress.kubernetes.io/router.middlewares"].split(",")
    beside = [
        f"monitoring-{item['metadata']['name']}@kubernetescrd"
        for item in built.objects
        if item["kind"] == "Middleware" and item["metadata"]["namespace"] == "monitoring"
    ]
    assert names
    assert set(names) <= set(beside)


def test_nobody_outside_reaches_grafana_unless_the_stack_file_gives_it_a_host() -> None:
    built = render(EVERYTHING | {"ingress": INGRESS | {"hosts": {}}})
    assert "archesai-grafana" not in of_kind(built, "Ingress")
    assert _sources_of_grafana(built) == {"monitoring"}


def test_the_monitoring_namespace_is_restricted_and_closed() -> None:
    namespaces = of_kind(everything(), "Namespace")
    level = "pod-security.kubernetes.io/enforce"
    assert namespaces["monitoring"]["metadata"]["labels"][level] == "restricted"
    assert namespaces["node-exporter"]["metadata"]["labels"][level] == "privileged"
    assert "node-exporter" not in of_kind(render(ON), "Namespace")
    closed = {
        item["metadata"]["namespace"]
        for item in everything().objects
        if item["kind"] == "NetworkPolicy" and item["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    }
    assert closed == {"monitoring", "node-exporter"}


def test_logs_can_live_in_the_stacks_object_storage() -> None:
    config = {"monitoring": {"enabled": True, "logs": {"storage": "objectStorage"}}, "storage": {"enabled": True}}
    built = render(config, reveal=True)
    loki = release(built, "loki")["values"]
    assert loki["loki"]["storage"]["s3"]["endpoint"] == "http://archesai-storage.archesai.svc:9000"
    assert loki["loki"]["storage"]["bucketNames"] == {"chunks": "arches-logs"}
    assert loki["singleBinary"]["extraEnvFrom"] == [{"secretRef": {"name": "loki-object-storage"}}]
    secret = of_kind(built, "Secret")["loki-object-storage"]
    assert set(secret["stringData"]) == {"ACCESS_KEY", "SECRET_KEY"}
    assert storage_users(built.settings)[-1] == User("logs", "write", "arches-logs")
    assert secret["stringData"]["ACCESS_KEY"] == "user-logs"
    policy = find(built, "NetworkPolicy", "archesai-storage")["spec"]["ingress"]
    sources = [peer.get("podSelector", {}).get("matchLabels", {}) for rule in policy for peer in rule["from"]]
    assert {"app.kubernetes.io/name": "loki"} in sources


@pytest.mark.parametrize("name", ["prometheus-operator-crds", "kube-prometheus-stack", "loki", "alloy"])
def test_releases_are_pinned_and_leave_room_to_roll_back(name: str) -> None:
    inputs = release(everything(), name)
    assert inputs["chart"].startswith("oci://")
    assert inputs["version"]
    assert inputs["maxHistory"] == 5
    assert inputs["timeout"] >= 600
    assert inputs["namespace"] == "monitoring"


def test_charts_and_images_come_from_one_mirror() -> None:
    config = ON | {"charts": {"mirror": "oci://registry.example.com/charts"}, "images": {"registry": "r.example.com"}}
    built = render(config)
    assert {item.inputs["chart"].rpartition("/")[0] for item in built.releases} == {"oci://registry.example.com/charts"}
    assert release(built, "kube-prometheus-stack")["values"]["global"]["imageRegistry"] == "r.example.com"
    assert release(built, "loki")["values"]["global"] == {"imageRegistry": "r.example.com"}
    assert release(built, "alloy")["values"]["global"]["image"] == {"registry": "r.example.com"}
    exporter = find(built, "Deployment", "archesai-database-exporter")["spec"]["template"]["spec"]["containers"][0]
    assert exporter["image"].startswith("r.example.com/prometheuscommunity/postgres-exporter:")


def test_no_secret_is_in_the_values_of_a_release() -> None:
    config = EVERYTHING | {"grafanaAdminPassword": "made-up", "alertWebhookUrl": "https://hooks.example.com/made-up"}
    built = render(config, reveal=True)
    assert [item.secret_paths for item in built.releases if item.secret_paths] == []
    assert "made-up" not in str([item.inputs for item in built.releases])
