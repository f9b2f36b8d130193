"""CronJobs that run a script: one run at a time, bounded, and a failure that stays visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pulumi_kubernetes.batch.v1 import CronJob
from pulumi_kubernetes.core.v1 import ContainerArgsDict, PodSpecArgsDict

from archesai_infra.components.backups import scripts
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, Scheduling
from archesai_infra.kube.pods import SecretKey, container, environment
from archesai_infra.kube.volumes import Mount, config_files, scratch


@dataclass(frozen=True)
class Step:
    """A container that runs before the script's own, on the same volumes."""

    name: str
    image: str
    resources: Resources
    command: Sequence[str]
    plain: Mapping[str, str]
    """Environment variables as plain text."""
    secret: Mapping[str, SecretKey] = field(default_factory=dict)
    """Environment from Secrets."""
    mounts: Sequence[Mount] = ()
    """Volumes of its own."""
    serves: bool = False
    """It runs beside the script until that ends, instead of to an end of its own."""


@dataclass(frozen=True)
class Script:
    """A script and the container it runs in; the container is named like the script."""

    name: str
    files: Mapping[str, str]
    """The script, `<name>.sh`, and what it reads, by file name."""
    image: str
    resources: Resources
    plain: Mapping[str, str]
    """Environment variables as plain text."""
    mounts: Sequence[Mount]
    """Volumes besides the files and /tmp."""
    secret: Mapping[str, SecretKey] = field(default_factory=dict)
    """Environment from Secrets."""
    arguments: Sequence[str] = ()
    tmp: str = "128Mi"
    """Size of /tmp."""
    scheduling: Scheduling = field(default_factory=Scheduling)
    annotations: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    """Labels of a pod whose node it has to share."""
    before: Sequence[Step] = ()
    role: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the service account, such as the role of a cloud that takes the place of keys."""


def cron_job(
    component: RunningComponent,
    name: str,
    script: Script,
    *,
    cron: str,
    timeout: int,
    retries: int = 1,
    kept_seconds: int = 86400,
) -> CronJob:
    """A CronJob in UTC; `timeout` in seconds; its pods stay `kept_seconds` after the run's end, with their volumes."""
    component.network_policy(name)
    template = component.template(_pod(component, name, script))
    if script.beside:
        cast("PodSpecArgsDict", template.get("spec"))["affinity"] = {
            "pod_affinity": {
                "required_during_scheduling_ignored_during_execution": [
                    {"label_selector": {"match_labels": dict(script.beside)}, "topology_key": "kubernetes.io/hostname"}
                ]
            }
        }
    return CronJob(
        f"{component.module}-cron-job",
        metadata=component.metadata(name),
        spec={
            "schedule": cron,
            "time_zone": "Etc/UTC",
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": 1800,
            "successful_jobs_history_limit": 1,
            "failed_jobs_history_limit": 3,
            "job_template": {
                "spec": {
                    "backoff_limit": retries,
                    "active_deadline_seconds": timeout,
                    "ttl_seconds_after_finished": kept_seconds,
                    "template": template,
                }
            },
        },
        opts=component.child(),
    )


def _pod(component: RunningComponent, name: str, script: Script) -> Pod:
    files = component.config_map(f"{script.name}-scripts", script.files)
    mounts = [
        *script.mounts,
        config_files("scripts", scripts.PATH, files.metadata.name),
        scratch("tmp", "/tmp", script.tmp),
    ]
    built = container(
        name=script.name,
        image=script.image,
        pull_policy=component.context.pull_policy,
        resources=script.resources.requirements(),
        command=scripts.run(f"{script.name}.sh"),
        args=script.arguments,
        env=environment({"SCRIPTS": scripts.PATH, **script.plain}, script.secret),
        mounts=mounts,
    )
    more = [mount for step in script.before for mount in step.mounts]
    return Pod(
        name,
        [built],
        [*mounts, *more],
        script.scheduling,
        30,
        annotations=script.annotations,
        restart_policy="Never",
        before=[_step(component, step, mounts) for step in script.before],
        account_annotations=script.role,
    )


def _step(component: RunningComponent, step: Step, mounts: Sequence[Mount]) -> ContainerArgsDict:
    built = container(
        name=step.name,
        image=step.image,
        pull_policy=component.context.pull_policy,
        resources=step.resources.requirements(),
        command=step.command,
        env=environment({"SCRIPTS": scripts.PATH, **step.plain}, step.secret),
        mounts=[*mounts, *step.mounts],
    )
    if step.serves:
        built["restart_policy"] = "Always"
    return built
