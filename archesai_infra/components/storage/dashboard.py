"""The object storage: its pod and its volume, and what the server itself tells where it serves metrics."""

from __future__ import annotations

from archesai_infra.components.base.watch.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.storage.alerts import space_free
from archesai_infra.components.storage.settings import NAME


def dashboard(namespace: str, *, metrics: bool) -> Dashboard:
    """Every server in the cluster is seen from outside; one that serves `metrics` from inside too."""
    own = job(NAME, namespace)
    inside = [*_drives(namespace, own), *_requests(own)] if metrics else []
    return Dashboard("storage", "Arches: object storage", [*_numbers(namespace), *inside, *_pod(namespace)])


def _numbers(namespace: str) -> list[Panel]:
    within = f'namespace="{namespace}"'
    ready = f'sum(kube_statefulset_status_replicas_ready{{{within},statefulset="{NAME}"}})'
    pods = f'{within},pod=~"{NAME}-[0-9]+"'
    restarts = f"sum(increase(kube_pod_container_status_restarts_total{{{pods}}}[1d]))"
    free, size = _volume(namespace)
    return [
        stat("Pods ready", ready),
        stat("Restarts in a day", restarts, thresholds=(1, 5)),
        stat("Volume used", f"1 - min({free} / {size})", "percentunit", thresholds=(0.8, 0.9)),
    ]


def _volume(namespace: str) -> tuple[str, str]:
    matchers = f'namespace="{namespace}",persistentvolumeclaim="{NAME}-data"'
    return (
        f"kubelet_volume_stats_available_bytes{{{matchers}}}",
        f"kubelet_volume_stats_capacity_bytes{{{matchers}}}",
    )


def _drives(namespace: str, own: str) -> list[Panel]:
    return [
        stat("Drives offline", f"sum(minio_cluster_drive_offline_total{{{own}}})", thresholds=(1, 1)),
        stat("Drives used", f"1 - min({space_free(namespace)})", "percentunit", thresholds=(0.7, 0.8)),
        stat("Objects", f"sum(minio_cluster_usage_object_total{{{own}}})"),
        graph("Stored by bucket", f"sum by (bucket) (minio_bucket_usage_total_bytes{{{own}}})", "{{bucket}}", "bytes"),
        graph("Objects by bucket", f"sum by (bucket) (minio_bucket_usage_object_total{{{own}}})", "{{bucket}}"),
    ]


def _requests(own: str) -> list[Panel]:
    answered = f"sum by (api) (rate(minio_s3_requests_total{{{own}}}[5m]))"
    failed = f"sum by (api) (rate(minio_s3_requests_errors_total{{{own}}}[5m]))"
    first_byte = f"sum by (api, le) (rate(minio_s3_requests_ttfb_seconds_distribution{{{own}}}[5m]))"
    moved = [Query(f"sum(rate(minio_s3_traffic_{way}_bytes{{{own}}}[5m]))", way) for way in ("received", "sent")]
    return [
        graph("Requests per second", answered, "{{api}}", "reqps"),
        graph("Errors per second", failed, "{{api}}", "reqps", description="Also what the client asked wrongly for."),
        graph("First byte, 95th percentile", f"histogram_quantile(0.95, {first_byte})", "{{api}}", "s"),
        Panel("Traffic", moved, "Bps"),
    ]


def _pod(namespace: str) -> list[Panel]:
    pods = f'namespace="{namespace}",pod=~"{NAME}-[0-9]+"'
    containers = f'{pods},container!=""'
    free, size = _volume(namespace)
    moved = [
        Query(f"sum(rate(container_network_{way}_bytes_total{{{pods}}}[5m]))", way) for way in ("receive", "transmit")
    ]
    return [
        Panel("Volume", [Query(f"{size} - {free}", "used"), Query(size, "size")], "bytes"),
        graph("CPU", f"sum(rate(container_cpu_usage_seconds_total{{{containers}}}[5m]))", "cores"),
        graph("Memory", f"sum(container_memory_working_set_bytes{{{containers}}})", "used", "bytes"),
        Panel("Network", moved, "Bps"),
    ]
