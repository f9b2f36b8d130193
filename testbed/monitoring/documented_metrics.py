"""Metrics of programs that do not run here, as their documentation names them: one sample each."""

from __future__ import annotations

import time

KUBE_STATE_METRICS = "kube-state-metrics 2.20, docs/metrics"
CADVISOR = "cAdvisor, docs/storage/prometheus.md, with the labels that the kubelet adds"
KUBELET = "Kubernetes metrics reference, kubelet volume stats"
TRAEFIK = "Traefik 3 documentation, Observability, Metrics"
CERT_MANAGER = "cert-manager documentation, Prometheus Metrics"
ALLOY = "Alloy documentation, loki.write, Debug metrics"
VELERO = "Velero 1.18, compared with the real server's page in the test of its rig"

_GROWS = " per scrape"
_NOW = " now"
_POD = 'namespace="archesai",pod="archesai-api-1"'
_CONTAINER = f'{_POD},container="api"'
_CLAIM = 'namespace="archesai",persistentvolumeclaim="archesai-postgres-data"'
_SERVICE = 'code="200",method="GET",protocol="http",service="archesai-archesai-api-3001@kubernetes"'
_DEPLOYMENT = 'namespace="archesai",deployment="archesai-api"'
_AUTOSCALER = 'namespace="archesai",horizontalpodautoscaler="archesai-api"'
_CERTIFICATE = (
    'name="archesai-api-tls",namespace="archesai",'
    'issuer_group="cert-manager.io",issuer_kind="ClusterIssuer",issuer_name="letsencrypt-prod"'
)
_STORAGE = 'namespace="archesai",pod="archesai-storage-0"'
_STORAGE_CONTAINER = f'{_STORAGE},container="minio"'
_STORAGE_CLAIM = 'namespace="archesai",persistentvolumeclaim="archesai-storage-data"'
_DUMP_CLAIM = 'namespace="archesai",persistentvolumeclaim="archesai-dump-data"'
_LOGS_CLAIM = 'namespace="monitoring",persistentvolumeclaim="storage-loki-0"'
_SCHEDULES = tuple(f'schedule="archesai-dev-{kind}"' for kind in ("hourly", "daily", "weekly"))
_FAILURES = ("partial_failure", "failure", "validation_failure")
_LOKI_WRITE = 'namespace="monitoring",component_id="loki.write.default",host="loki",tenant="",reason="ingester_error"'

DOCUMENTED: dict[str, list[str]] = {
    KUBE_STATE_METRICS: [
        'kube_deployment_spec_replicas{namespace="archesai",deployment="archesai-api"} 3',
        'kube_deployment_status_replicas_available{namespace="archesai",deployment="archesai-api"} 3',
        'kube_statefulset_replicas{namespace="archesai",statefulset="archesai-postgres"} 1',
        'kube_statefulset_status_replicas_ready{namespace="archesai",statefulset="archesai-postgres"} 1',
        f"kube_horizontalpodautoscaler_status_current_replicas{{{_AUTOSCALER}}} 3",
        f'kube_pod_container_resource_limits{{{_CONTAINER},uid="1",node="n",resource="memory",unit="byte"}} 1000',
        f'kube_pod_container_status_restarts_total{{{_CONTAINER},uid="1"}} 2',
        f'kube_pod_status_phase{{{_POD},uid="1",phase="Pending"}} 0',
        f'kube_pod_status_ready{{{_POD},uid="1",condition="true"}} 1',
        *(
            f'kube_statefulset_status_replicas_ready{{namespace="archesai",statefulset="{name}"}} 1'
            for name in ("archesai-storage", "archesai-dump")
        ),
        *(
            f'kube_cronjob_{what}{{namespace="archesai",cronjob="archesai-backups-{job}"}} now'
            for what in ("created", "status_last_successful_time")
            for job in ("objects", "drill")
        ),
        f'kube_pod_container_status_restarts_total{{{_STORAGE_CONTAINER},uid="2"}} 0',
        'kube_job_failed{namespace="archesai",job_name="archesai-migrations-1a2b3c4d",condition="true"} 0',
        'kube_job_failed{namespace="archesai",job_name="archesai-storage-bucket-1a2b3c4d",condition="true"} 0',
        *(
            f'kube_pod_container_status_waiting_reason{{{_CONTAINER},uid="1",reason="{reason}"}} 0'
            for reason in ("CrashLoopBackOff", "ImagePullBackOff")
        ),
        f'kube_pod_container_status_last_terminated_reason{{{_CONTAINER},uid="1",reason="OOMKilled"}} 0',
        f'kube_pod_status_unschedulable{{{_POD},uid="1"}} 0',
        f'kube_deployment_status_condition{{{_DEPLOYMENT},condition="Progressing",status="false"}} 0',
        'kube_statefulset_status_replicas_updated{namespace="archesai",statefulset="archesai-postgres"} 1',
        f"kube_horizontalpodautoscaler_spec_max_replicas{{{_AUTOSCALER}}} 10",
        f"kube_horizontalpodautoscaler_spec_min_replicas{{{_AUTOSCALER}}} 3",
        f'kube_persistentvolumeclaim_status_phase{{{_CLAIM},phase="Pending"}} 0',
        *(
            f'kube_resourcequota{{namespace="archesai",resourcequota="archesai",resource="pods",type="{kind}"}} {value}'
            for kind, value in (("used", 10), ("hard", 100))
        ),
        'kube_node_status_condition{node="node-1",condition="Ready",status="true"} 1',
    ],
    CADVISOR: [
        f'container_cpu_usage_seconds_total{{{_CONTAINER},id="/x",image="i",name="n",cpu="total"}} 12',
        f'container_memory_working_set_bytes{{{_CONTAINER},id="/x",image="i",name="n"}} 500',
        f'container_cpu_usage_seconds_total{{{_STORAGE_CONTAINER},id="/y",image="i",name="n",cpu="total"}} 12',
        f'container_memory_working_set_bytes{{{_STORAGE_CONTAINER},id="/y",image="i",name="n"}} 500',
        f'container_network_receive_bytes_total{{{_STORAGE},id="/y",image="i",interface="eth0",name="n"}} 7',
        f'container_network_transmit_bytes_total{{{_STORAGE},id="/y",image="i",interface="eth0",name="n"}} 7',
        f'container_network_receive_bytes_total{{{_POD},id="/x",image="i",interface="eth0",name="n"}} 7',
        f'container_network_transmit_bytes_total{{{_POD},id="/x",image="i",interface="eth0",name="n"}} 7',
    ],
    KUBELET: [
        f"kubelet_volume_stats_available_bytes{{{_CLAIM}}} 60",
        f"kubelet_volume_stats_capacity_bytes{{{_CLAIM}}} 100",
        f"kubelet_volume_stats_available_bytes{{{_STORAGE_CLAIM}}} 60",
        f"kubelet_volume_stats_capacity_bytes{{{_STORAGE_CLAIM}}} 100",
        f"kubelet_volume_stats_available_bytes{{{_DUMP_CLAIM}}} 80",
        f"kubelet_volume_stats_used_bytes{{{_DUMP_CLAIM}}} 20",
        f"kubelet_volume_stats_available_bytes{{{_LOGS_CLAIM}}} 60",
        f"kubelet_volume_stats_inodes{{{_CLAIM}}} 100",
        f"kubelet_volume_stats_inodes_used{{{_CLAIM}}} 10",
    ],
    TRAEFIK: [
        f"traefik_service_requests_total{{{_SERVICE}}} 9 per scrape",
        f'traefik_service_request_duration_seconds_bucket{{{_SERVICE},le="0.1"}} 8 per scrape',
        f'traefik_service_request_duration_seconds_bucket{{{_SERVICE},le="+Inf"}} 9 per scrape',
    ],
    CERT_MANAGER: [
        f'certmanager_certificate_ready_status{{{_CERTIFICATE},condition="True"}} 1',
        f"certmanager_certificate_expiration_timestamp_seconds{{{_CERTIFICATE}}} 4e9",
    ],
    ALLOY: [
        f"loki_write_dropped_entries_total{{{_LOKI_WRITE}}} 0",
    ],
    VELERO: [
        'velero_backup_location_status_gauge{backup_location_name="default"} 1',
        *(f"velero_backup_last_successful_timestamp{{{schedule}}} now" for schedule in _SCHEDULES),
        *(f"velero_backup_{what}_total{{{schedule}}} 0" for what in _FAILURES for schedule in _SCHEDULES),
    ],
}
"""Samples by the documentation that names the metric and its labels."""


JOBS: dict[tuple[str, str], tuple[str, ...]] = {
    ("kube-state-metrics", "monitoring"): (KUBE_STATE_METRICS,),
    ("kubelet", "kube-system"): (CADVISOR, KUBELET),
    ("velero", "velero"): (VELERO,),
    ("documented", "elsewhere"): (TRAEFIK, CERT_MANAGER, ALLOY),
}
"""Scrape job and its namespace, to what it serves."""


class Documented:
    """What some documentations name, in Prometheus's text format; some counters grow with each scrape."""

    def __init__(self, *sources: str) -> None:
        self._sources = sources
        self._scrapes = 0

    def metrics(self) -> str:
        """One page."""
        self._scrapes += 1
        return "".join(f"{self._sample(sample)}\n" for source in self._sources for sample in DOCUMENTED[source])

    def _sample(self, sample: str) -> str:
        if sample.endswith(_NOW):
            return f"{sample.removesuffix(_NOW)} {time.time():.0f}"
        series, _, value = sample.removesuffix(_GROWS).rpartition(" ")
        return f"{series} {float(value) * (self._scrapes if sample.endswith(_GROWS) else 1)}"
