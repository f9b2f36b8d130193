"""PromQL that rules and dashboards share."""

from __future__ import annotations

from archesai_infra.components.monitoring.exporters import DATABASE_EXPORTER, REDIS_EXPORTER
from archesai_infra.components.monitoring.watched import KUBELET, Watched
from archesai_infra.kube.names import object_name

DATABASE_JOB = object_name(DATABASE_EXPORTER)
REDIS_JOB = object_name(REDIS_EXPORTER)
STORAGE_JOB = object_name("storage")

ERROR_RATIO = "namespace:api_errors:ratio_rate{window}"
SLOW_RATIO = "namespace:api_slow:ratio_rate{window}"
LATENCY = "namespace:api_latency_seconds:p{quantile}_rate5m"


def job(name: str, namespace: str) -> str:
    """Matchers of what a scrape job of the stack delivers."""
    return f'job="{name}",namespace="{namespace}"'


def recorded(record: str, namespace: str) -> str:
    """A recorded series of the stack."""
    return f'{record}{{namespace="{namespace}"}}'


def container_memory(namespace: str) -> str:
    """Memory that each container cannot give back, in bytes."""
    matchers = f'namespace="{namespace}",container!=""'
    return f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{matchers}}})"


def memory_limits(namespace: str) -> str:
    """Memory limit of each container, in bytes."""
    matchers = f'namespace="{namespace}",resource="memory"'
    return f"max by (namespace, pod, container) (kube_pod_container_resource_limits{{{matchers}}})"


def targets_down(scope: Watched) -> str:
    """What cannot be scraped; without the kubelets nothing is known of containers and volumes."""
    return f'up{{namespace=~"{scope.target_namespaces}"}} == 0 or up{{job="{KUBELET}"}} == 0'


def volume_free(namespaces: str) -> str:
    """Free part of each volume, 0 to 1."""
    matchers = f'namespace=~"{namespaces}"'
    available, capacity = (f"kubelet_volume_stats_{part}_bytes{{{matchers}}}" for part in ("available", "capacity"))
    return f"{available} / {capacity}"


def connections_used(namespace: str) -> str:
    """Used part of the database's connections, 0 to 1."""
    matchers = job(DATABASE_JOB, namespace)
    used = f"sum by (namespace) (pg_stat_activity_count{{{matchers}}})"
    return f"{used} / max by (namespace) (pg_settings_max_connections{{{matchers}}})"


def redis_memory_used(namespace: str) -> str:
    """Used part of redis's memory for data, 0 to 1; nothing where redis has no bound."""
    matchers = job(REDIS_JOB, namespace)
    return f"redis_memory_used_bytes{{{matchers}}} / (redis_memory_max_bytes{{{matchers}}} > 0)"


def storage_free(namespace: str) -> str:
    """Free part of the object storage's drives, 0 to 1."""
    own = job(STORAGE_JOB, namespace)
    free, total = (f"minio_cluster_capacity_usable_{part}_bytes{{{own}}}" for part in ("free", "total"))
    return f"{free} / {total}"
