"""CronJobs: one run at a time, bounded, and a failure that stays visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pulumi_kubernetes.batch.v1 import CronJob

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import PodSpecArgsDict

    from archesai_infra.components.running import Pod, RunningComponent


def cron_job(
    component: RunningComponent, pod: Pod, *, cron: str, timeout: int, beside: dict[str, str] | None = None
) -> CronJob:
    """A CronJob in UTC; `timeout` in seconds, `beside` the labels of a pod whose node it has to share."""
    component.network_policy(pod.name)
    template = component.template(pod)
    if beside:
        cast("PodSpecArgsDict", template.get("spec"))["affinity"] = {
            "pod_affinity": {
                "required_during_scheduling_ignored_during_execution": [
                    {"label_selector": {"match_labels": beside}, "topology_key": "kubernetes.io/hostname"}
                ]
            }
        }
    return CronJob(
        f"{component.module}-cron-job",
        metadata=component.metadata(pod.name),
        spec={
            "schedule": cron,
            "time_zone": "Etc/UTC",
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": 1800,
            "successful_jobs_history_limit": 1,
            "failed_jobs_history_limit": 3,
            "job_template": {
                "spec": {
                    "backoff_limit": 1,
                    "active_deadline_seconds": timeout,
                    # A finished run would keep its volumes.
                    "ttl_seconds_after_finished": 86400,
                    "template": template,
                }
            },
        },
        opts=component.child(),
    )
