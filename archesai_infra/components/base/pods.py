"""Components that run pods: a Deployment, a StatefulSet or a Job and everything that belongs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment, StatefulSet
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ContainerArgsDict, PodSecurityContextArgsDict, PodTemplateSpecArgsDict

from archesai_infra.components.base.component import FORCE, Component
from archesai_infra.components.base.external_secrets import RELOADER
from archesai_infra.components.base.settings import Autoscaling, Scheduling
from archesai_infra.kube.names import content_name
from archesai_infra.kube.pods import Apart, pod_spec
from archesai_infra.kube.volumes import Mount
from archesai_infra.kube.workloads import (
    autoscaler_spec,
    deployment_spec,
    job_spec,
    pod_template,
    stateful_set_spec,
)

SECRETS_ANNOTATION = "archesai.com/secrets"
"""Of a pod: fingerprint of the secrets it reads, so that a change of any is another pod."""

_END_SECONDS = 60
"""Time for a Job that reached its deadline to say so."""
PROVING_SECONDS = 5
"""How long a new pod of production has to stay ready before an old one goes: one that dies of its first request has
replaced no other. In development nobody would notice, and each `up` would wait for it."""


@dataclass(frozen=True)
class Pod:
    """A pod of a module; `name` is also the name of the objects that run and guard it."""

    name: str
    containers: Sequence[ContainerArgsDict]
    mounts: Sequence[Mount]
    scheduling: Scheduling
    grace_seconds: int
    """Time to stop, in seconds."""
    secret_values: Sequence[pulumi.Output[str]] = ()
    """Secrets the pod reads: a change of any rolls it."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    security: PodSecurityContextArgsDict | None = None
    restart_policy: str = "Always"
    token: bool = False
    before: Sequence[ContainerArgsDict] = ()
    """Containers that run to their end first, one after the other."""
    apart: Apart | None = None
    """Whether pods of the module keep off each other's nodes."""
    account_annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the pod's service account."""


def _stays(mount: Mount) -> bool:
    """Whether a volume is of a storage class, whose file system may lack the mapping of ids."""
    return not mount.volume.keys().isdisjoint(("persistent_volume_claim", "ephemeral"))


class RunningComponent(Component):
    """A module with pods; each has an identity, a policy and a budget of its own."""

    def template(self, pod: Pod) -> PodTemplateSpecArgsDict:
        """The pod template, with the identity it runs as."""
        context = self.context
        annotations: dict[str, pulumi.Input[str]] = dict(pod.annotations)
        if pod.secret_values:
            annotations[SECRETS_ANNOTATION] = context.fingerprint(pod.secret_values)
        spec = pod_spec(
            component=self.module,
            instance=context.instance,
            service_account=self.service_account(pod.name, pod.account_annotations),
            containers=pod.containers,
            mounts=pod.mounts,
            grace_seconds=pod.grace_seconds,
            placement=pod.scheduling.over(context.scheduling).placement(),
            pull_secret=context.pull_secret.name if context.pull_secret else None,
            security=pod.security,
            restart_policy=pod.restart_policy,
            spread=pod.restart_policy == "Always",
            token=pod.token,
            before=pod.before,
            user_namespace=context.user_namespaces and not any(map(_stays, pod.mounts)),
            apart=pod.apart,
        )
        return pod_template(self.module, context.instance, spec, annotations)

    def deployment(
        self,
        pod: Pod,
        *,
        replicas: int,
        autoscaling: Autoscaling | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> Deployment:
        """A Deployment with its policy and budget; an autoscaler, where it is on, owns the number of pods.

        Such a Deployment is created with the autoscaler's minimum, and its later changes leave the number alone: were
        it left out, server-side apply would give it up and the server would go back to one pod.
        """
        self.network_policy(pod.name)
        self.budget(pod.name)
        scaled = autoscaling if autoscaling is not None and autoscaling.enabled else None
        deployment = Deployment(
            f"{self.module}-deployment",
            metadata=self.metadata(pod.name, {**self._reloaded(), **self._number_is_ours(autoscaling)}),
            spec=deployment_spec(
                self.module,
                self.context.instance,
                self.template(pod),
                replicas=scaled.min_replicas if scaled else replicas,
                min_ready_seconds=PROVING_SECONDS if self.context.production else 0,
            ),
            opts=self.child(depends_on=depends_on, ignore_changes=["spec.replicas"] if scaled else None),
        )
        if scaled:
            self._autoscaler(pod.name, scaled, deployment)
        return deployment

    @staticmethod
    def _number_is_ours(autoscaling: Autoscaling | None) -> Mapping[str, str]:
        """An autoscaler that was switched off still owns the number of pods that it set."""
        return FORCE if autoscaling is not None and not autoscaling.enabled else {}

    def _reloaded(self) -> Mapping[str, str]:
        external = self.context.external
        return RELOADER if external is not None and external.settings.reloader else {}

    def _autoscaler(self, name: str, autoscaling: Autoscaling, deployment: Deployment) -> None:

        HorizontalPodAutoscaler(
            f"{self.module}-autoscaler",
            metadata=self.metadata(name),
            spec=autoscaler_spec(
                name,
                minimum=autoscaling.min_replicas,
                maximum=autoscaling.max_replicas,
                cpu_percent=autoscaling.cpu,
                memory_percent=autoscaling.memory,
                container=self.module,
                tolerance_percent=autoscaling.tolerance,
            ),
            opts=self.child(depends_on=[deployment]),
        )

    def stateful_set(
        self,
        pod: Pod,
        ports: Mapping[str, int],
        *,
        replicas: int = 1,
        claims: Sequence[str] = (),
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> StatefulSet:
        """A StatefulSet with its policy, budget and governing Service; production does not let it go.

        Several pods find each other before they are ready, and each has its own of `claims`.
        """
        self.network_policy(pod.name)
        self.budget(pod.name)
        return StatefulSet(
            f"{self.module}-stateful-set",
            metadata=self.metadata(pod.name, self._reloaded()),
            spec=stateful_set_spec(
                self.module,
                self.context.instance,
                self.template(pod),
                service_name=self.headless_service(pod.name, ports, unready=replicas > 1),
                replicas=replicas,
                claims=claims,
            ),
            # Immutable: a running set that was made without it keeps what it has rather than be replaced.
            opts=self.guarded(depends_on=depends_on, ignore_changes=["spec.podManagementPolicy"]),
        )

    def job(
        self,
        pod: Pod,
        *,
        retries: int,
        deadline_seconds: int,
        run: int = 1,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> Job:
        """A Job that runs once for every pod template and `run`, and is named by both.

        The template of a Job is immutable: under one name a changed template is refused by the API server, which stops
        a sync of Argo CD and `kubectl apply`. A Job that failed is replaced by the next `up`.
        """
        self.network_policy(pod.name)
        template = self.template(pod)
        name = pulumi.Output.all(template, run).apply(lambda content: content_name(self.module, content))
        return Job(
            f"{self.module}-job",
            metadata=self.metadata(
                name,
                {
                    "pulumi.com/replaceUnready": "true",
                    # An engine that gave up first would leave a running Job to the next `up`, which replaces it.
                    "pulumi.com/timeoutSeconds": str(deadline_seconds + _END_SECONDS),
                },
            ),
            spec=job_spec(template, retries=retries, deadline_seconds=deadline_seconds),
            opts=self.child(depends_on=depends_on),
        )
