"""The values of each chart that the stack may set, as the chart's own values.yaml at that version names them.

`/` joins the keys, as some hold dots. `/*` stands for whatever Kubernetes or the program takes at that place: the chart
hands it on unread.
"""

from __future__ import annotations

from typing import NamedTuple


class ChartKeys(NamedTuple):
    """What a version of a chart knows."""

    version: str
    keys: frozenset[str]


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHART_KEYS = {
    "prometheus-operator-crds": ChartKeys("31.0.1", _keys("crds/annotations/*")),
    "kube-prometheus-stack": ChartKeys(
        "88.5.3",
        _keys("""
            global/imageRegistry global/imagePullSecrets global/rbac/create crds/enabled defaultRules/create
            kubeApiServer/enabled kubeControllerManager/enabled kubeScheduler/enabled kubeProxy/enabled
            kubeEtcd/enabled coreDns/enabled kubelet/enabled
            prometheusOperator/namespaces/* prometheusOperator/kubeletService/enabled
            prometheusOperator/prometheusInstanceNamespaces prometheusOperator/alertmanagerInstanceNamespaces
            prometheusOperator/alertmanagerConfigNamespaces prometheusOperator/thanosRulerInstanceNamespaces
            prometheusOperator/kubeletEndpointsEnabled
            prometheusOperator/admissionWebhooks/enabled prometheusOperator/tls/enabled
            prometheusOperator/resources/* prometheusOperator/prometheusConfigReloader/resources/*
            prometheus/prometheusSpec/serviceMonitorSelectorNilUsesHelmValues
            prometheus/prometheusSpec/podMonitorSelectorNilUsesHelmValues
            prometheus/prometheusSpec/ruleSelectorNilUsesHelmValues
            prometheus/prometheusSpec/probeSelectorNilUsesHelmValues
            prometheus/prometheusSpec/scrapeConfigSelectorNilUsesHelmValues
            prometheus/prometheusSpec/serviceMonitorNamespaceSelector/*
            prometheus/prometheusSpec/podMonitorNamespaceSelector/*
            prometheus/prometheusSpec/ruleNamespaceSelector/*
            prometheus/prometheusSpec/probeNamespaceSelector/*
            prometheus/prometheusSpec/scrapeConfigNamespaceSelector/*
            prometheus/prometheusSpec/arbitraryFSAccessThroughSMs/* prometheus/prometheusSpec/additionalScrapeConfigs
            prometheus/prometheusSpec/retention prometheus/prometheusSpec/retentionSize
            prometheus/prometheusSpec/scrapeInterval prometheus/prometheusSpec/evaluationInterval
            prometheus/prometheusSpec/storageSpec/* prometheus/prometheusSpec/resources/*
            alertmanager/alertmanagerSpec/useExistingSecret alertmanager/alertmanagerSpec/configSecret
            alertmanager/alertmanagerSpec/storage/* alertmanager/alertmanagerSpec/resources/*
            kube-state-metrics/collectors kube-state-metrics/resources/*
            nodeExporter/enabled prometheus-node-exporter/namespaceOverride prometheus-node-exporter/resources/*
            grafana/admin/existingSecret grafana/defaultDashboardsEnabled
            grafana/rbac/create grafana/automountServiceAccountToken
            grafana/sidecar/dashboards/enabled grafana/sidecar/datasources/enabled
            grafana/datasources/* grafana/dashboardProviders/* grafana/dashboardsConfigMaps/*
            grafana/envValueFrom/* grafana/deploymentStrategy/* grafana/initChownData/enabled
            grafana/testFramework/enabled grafana/persistence/enabled grafana/persistence/size
            grafana/persistence/storageClassName grafana/persistence/annotations/* grafana/podAnnotations/*
            grafana/resources/* grafana/grafana.ini/*
        """),
    ),
    "loki": ChartKeys(
        "18.11.0",
        _keys("""
            global/imageRegistry imagePullSecrets deploymentMode
            loki/auth_enabled loki/commonConfig/* loki/schemaConfig/* loki/storage/type loki/storage/bucketNames/*
            loki/storage/s3/* loki/limits_config/* loki/compactor/* loki/analytics/*
            singleBinary/replicas singleBinary/persistence/size singleBinary/persistence/storageClass
            singleBinary/resources/* singleBinary/extraEnvFrom
            rbac/namespaced read/replicas write/replicas backend/replicas
            chunksCache/enabled resultsCache/enabled lokiCanary/enabled test/enabled gateway/enabled ruler/enabled
            sidecar/rules/enabled monitoring/serviceMonitor/enabled
        """),
    ),
    "alloy": ChartKeys(
        "1.11.1",
        _keys("""
            global/image/registry global/image/pullSecrets global/podSecurityContext/*
            controller/type controller/replicas controller/volumes/extra
            alloy/configMap/create alloy/configMap/name alloy/configMap/key alloy/enableReporting alloy/storagePath
            alloy/mounts/extra alloy/securityContext/* alloy/resources/*
            configReloader/enabled crds/create rbac/namespaces rbac/rules serviceMonitor/enabled
        """),
    ),
}
"""By the name of the chart."""
