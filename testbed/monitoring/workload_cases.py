"""For each alert on workloads: series that must fire it, what it then says, and series that must not."""

from __future__ import annotations

from testbed.monitoring.case import Case

_API = {"namespace": "archesai", "pod": "archesai-api-1", "container": "api"}
_POD = 'namespace="archesai",pod="archesai-api-1",container="api"'
_DEPLOYMENT = 'namespace="archesai",deployment="archesai-api"'
_SCALER = 'namespace="archesai",horizontalpodautoscaler="archesai-api"'
_CLAIM = 'namespace="archesai",persistentvolumeclaim="archesai-redis-data"'
_BACK_OFF = f'kube_pod_container_status_waiting_reason{{{_POD},reason="CrashLoopBackOff"}}'
_NO_IMAGE = f'kube_pod_container_status_waiting_reason{{{_POD},reason="ImagePullBackOff"}}'
_QUOTA = 'namespace="archesai",resourcequota="archesai",resource="requests.cpu"'
_HOUR = "60m"

WORKLOAD_CASES: dict[str, Case] = {
    # A container that lives a minute is in back-off at some scrapes only.
    "PodCrashLooping": Case(
        {_BACK_OFF: "0 1 _ _ 1 _ _ _ 1 _ _ _ 1 _ _ _ 1 _ _ _ 1"},
        {_BACK_OFF: "0 1 1 0x20"},
        _API | {"reason": "CrashLoopBackOff"},
        "Container api of archesai-api-1 ends again and again.",
    ),
    "PodCannotStart": Case(
        {_NO_IMAGE: "1x30"},
        {_NO_IMAGE: "1x4 0x30", _NO_IMAGE.replace("ImagePullBackOff", "ContainerCreating"): "1x30"},
        _API | {"reason": "ImagePullBackOff"},
        "Container api of archesai-api-1 does not start: ImagePullBackOff.",
    ),
    "ContainerOutOfMemory": Case(
        {f"kube_pod_container_status_restarts_total{{{_POD}}}": "0x15 1x15"},
        {f"kube_pod_container_status_restarts_total{{{_POD}}}": "1x30"},
        _API | {"reason": "OOMKilled"},
        "Container api of archesai-api-1 was ended for using more than its memory limit.",
        other={f'kube_pod_container_status_last_terminated_reason{{{_POD},reason="OOMKilled"}}': "1x30"},
    ),
    "PodUnschedulable": Case(
        {'kube_pod_status_unschedulable{namespace="archesai",pod="archesai-api-1"}': "1x30"},
        {'kube_pod_status_unschedulable{namespace="archesai",pod="archesai-api-1"}': "1x12 0x20"},
        {"namespace": "archesai", "pod": "archesai-api-1"},
        "No node takes pod archesai-api-1.",
    ),
    "ReplicasMissing": Case(
        {f"kube_deployment_status_replicas_available{{{_DEPLOYMENT}}}": "3 2x30"},
        {f"kube_deployment_status_replicas_available{{{_DEPLOYMENT}}}": "2x10 3x20"},
        {"namespace": "archesai", "deployment": "archesai-api"},
        "archesai-api has fewer ready pods than it should have.",
        other={f"kube_deployment_spec_replicas{{{_DEPLOYMENT}}}": "3x30"},
    ),
    "RolloutStuck": Case(
        {f'kube_deployment_status_condition{{{_DEPLOYMENT},condition="Progressing",status="false"}}': "1x30"},
        {f'kube_deployment_status_condition{{{_DEPLOYMENT},condition="Progressing",status="false"}}': "0x30"},
        {
            "namespace": "archesai",
            "deployment": "archesai-api",
            "condition": "Progressing",
            "status": "false",
        },
        "The rollout of archesai-api does not come to its end.",
    ),
    "RolloutStuck, a StatefulSet": Case(
        {'kube_statefulset_status_replicas_updated{namespace="archesai",statefulset="archesai-redis"}': "0x30"},
        {'kube_statefulset_status_replicas_updated{namespace="archesai",statefulset="archesai-redis"}': "0x10 1x20"},
        {"namespace": "archesai", "statefulset": "archesai-redis"},
        "The rollout of archesai-redis does not come to its end.",
        other={'kube_statefulset_replicas{namespace="archesai",statefulset="archesai-redis"}': "1x30"},
    ),
    "AutoscalerAtMaximum": Case(
        {f"kube_horizontalpodautoscaler_status_current_replicas{{{_SCALER}}}": "10x60"},
        {f"kube_horizontalpodautoscaler_status_current_replicas{{{_SCALER}}}": "10x20 9x40"},
        {"namespace": "archesai", "horizontalpodautoscaler": "archesai-api"},
        "archesai-api runs its maximum of 10 pods.",
        at=_HOUR,
        other={
            f"kube_horizontalpodautoscaler_spec_max_replicas{{{_SCALER}}}": "10x60",
            f"kube_horizontalpodautoscaler_spec_min_replicas{{{_SCALER}}}": "3x60",
        },
    ),
    "ClaimPending": Case(
        {f'kube_persistentvolumeclaim_status_phase{{{_CLAIM},phase="Pending"}}': "1x30"},
        {f'kube_persistentvolumeclaim_status_phase{{{_CLAIM},phase="Pending"}}': "1x10 0x20"},
        {"namespace": "archesai", "persistentvolumeclaim": "archesai-redis-data", "phase": "Pending"},
        "Volume claim archesai-redis-data gets no volume.",
    ),
    "JobFailed": Case(
        {'kube_job_failed{namespace="archesai",job_name="archesai-backups-drill-1",condition="true"}': "1x30"},
        {
            'kube_job_failed{namespace="archesai",job_name="archesai-migrations-1",condition="true"}': "1x30",
            'kube_job_failed{namespace="archesai",job_name="archesai-backups-drill-1",condition="true"}': "1x10 0x20",
        },
        {"namespace": "archesai", "job_name": "archesai-backups-drill-1", "condition": "true"},
        "Job archesai-backups-drill-1 failed.",
    ),
    "QuotaNearlyFull": Case(
        {f'kube_resourcequota{{{_QUOTA},type="used"}}': "19x30"},
        {f'kube_resourcequota{{{_QUOTA},type="used"}}': "18x30"},
        {"namespace": "archesai", "resourcequota": "archesai", "resource": "requests.cpu"},
        "95% of the quota for requests.cpu is used.",
        other={f'kube_resourcequota{{{_QUOTA},type="hard"}}': "20x30"},
    ),
    "NodeNotReady": Case(
        {'kube_node_status_condition{node="node-1",condition="Ready",status="true"}': "1x5 0x20"},
        {'kube_node_status_condition{node="node-1",condition="Ready",status="true"}': "0x3 1x30"},
        {"node": "node-1", "condition": "Ready", "status": "true"},
        "Node node-1 is not ready: pods of its StatefulSets wait until it is declared out of service.",
    ),
}
