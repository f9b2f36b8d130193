"""The component every module is: where it lives, how its objects are named, labelled and kept."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount
from pulumi_kubernetes.discovery.v1 import EndpointSlice
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from archesai_infra.components.base import external_secrets
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.pull_secret import KEY, KIND
from archesai_infra.components.base.settings import RunOnHost
from archesai_infra.kube.labels import APPLICATION, labels
from archesai_infra.kube.names import content_digest, content_name
from archesai_infra.kube.network import flows_touching, host_endpoint, policy_spec, service_spec
from archesai_infra.kube.pods import SecretKey
from archesai_infra.kube.storage import claim_spec
from archesai_infra.kube.workloads import budget_spec

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For objects whose readiness another object's wait already covers: a Service settles for 10 s for nothing."""

NO_LABELS: Mapping[str, str] = {}

REGISTRIES_ANNOTATION = "archesai.com/registries"
"""Of an object: the registries that its images may come from, for the policy pack, which sees no settings."""

FORCE = {"pulumi.com/patchForce": "true"}
"""For objects that may exist already, written by an earlier life of this stack or by a restore."""

FIELD_MANAGER = "pulumi.com/patchFieldManager"
"""Under which name the provider sets an object's fields. Its own choice is random and only the state knows it: fields
that a killed run or a lost state set would belong to a manager that is gone, and each later change would conflict."""


def field_manager(instance: str) -> str:
    """The name under which a stack sets fields; another stack's changes conflict with it."""
    return f"{APPLICATION}-{instance}"


def _with_manager(instance: str) -> pulumi.ResourceTransformation:
    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("kubernetes:") or "metadata" not in args.props:
            return None
        metadata = cast("Mapping[str, Any]", args.props["metadata"])
        annotations = {**metadata.get("annotations", {}), FIELD_MANAGER: field_manager(instance)}
        props = {**args.props, "metadata": {**metadata, "annotations": annotations}}
        return pulumi.ResourceTransformationResult(props, args.opts)

    return transform


class Component(pulumi.ComponentResource):
    """A module of Arches. Logical names are `<module>-<part>` and are state: they never follow from configuration."""

    def __init__(self, kind: str, name: str, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        named = pulumi.ResourceOptions(transformations=[_with_manager(context.instance)])
        super().__init__(f"archesai:index:{kind}", name, None, pulumi.ResourceOptions.merge(opts, named))
        self.module = name
        self.data_of = name
        """The module that its data is protected as."""
        self.context = context

    def child(
        self,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        ignore_changes: list[str] | None = None,
        replacement_trigger: int | None = None,
        former_name: str | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of an ordinary child; `former_name` is the logical name that it has in older states."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            ignore_changes=ignore_changes,
            replacement_trigger=replacement_trigger,
            aliases=[pulumi.Alias(name=former_name)] if former_name else None,
        )

    def guarded(
        self, *, depends_on: Sequence[pulumi.Resource] = (), ignore_changes: list[str] | None = None
    ) -> pulumi.ResourceOptions:
        """Options of a stateful child that production protects."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            ignore_changes=ignore_changes,
            protect=self._protected(),
        )

    def _protected(self) -> bool:
        self.context.data.add(self.data_of)
        return self.context.protects(self.data_of)

    def clusterwide(self) -> pulumi.ResourceOptions:
        """Options of a child outside the stack's namespace: one that exists already is not ours and is refused."""
        return pulumi.ResourceOptions(parent=self, provider=self.context.strict())

    def kept(self) -> pulumi.ResourceOptions:
        """Options of a child that holds data: it outlives the stack, and a later stack takes it over."""
        return pulumi.ResourceOptions(
            parent=self,
            provider=None if self.context.retain else self.context.strict(),
            protect=self._protected(),
            retain_on_delete=self.context.retain,
        )

    def metadata(
        self,
        name: pulumi.Input[str],
        annotations: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
    ) -> ObjectMetaArgsDict:
        """Metadata of an object of this module, in the stack's namespace unless another one is given."""
        built: ObjectMetaArgsDict = {
            "name": name,
            "namespace": namespace or self.context.namespace,
            "labels": labels(self.module, self.context.instance),
        }
        listed = {REGISTRIES_ANNOTATION: ",".join(self.context.registries)} if self.context.registries else {}
        if annotations or listed:
            built["annotations"] = {**listed, **(annotations or {})}
        return built

    def service_account(self, name: str, annotations: Mapping[str, str] | None = None) -> str:
        """An identity of the module's own, without a token in its pods."""
        ServiceAccount(
            f"{self.module}-service-account",
            metadata=self.metadata(name, annotations),
            automount_service_account_token=False,
            opts=self.child(),
        )
        return name

    def network_policy(self, name: str) -> None:
        """Allow the module's declared flows, both ways; none of them leaves the namespace's default deny."""
        if flows_touching(self.module, self.context.flows):
            NetworkPolicy(
                f"{self.module}-network-policy",
                metadata=self.metadata(name),
                spec=policy_spec(self.module, self.context.instance, self.context.flows),
                opts=self.child(),
            )

    def budget(self, name: str) -> None:
        """A PodDisruptionBudget that lets drains go on, one pod at a time."""
        PodDisruptionBudget(
            f"{self.module}-budget",
            metadata=self.metadata(name),
            spec=budget_spec(self.module, self.context.instance),
            opts=self.child(),
        )

    def service(
        self,
        name: str,
        ports: Mapping[str, int],
        run_on_host: RunOnHost | None = None,
        *,
        selected: Mapping[str, str] | None = None,
        alike: bool = False,
    ) -> Service:
        """The stable address of the module's pods, or of the process on the developer's machine in their place.

        `selected` are the labels of pods that an operator makes, in place of the module's own. `alike` says that any
        pod can answer any request, so that a near one may be preferred.
        """
        distribution = self.context.traffic_distribution if alike else None
        spec = service_spec(
            self.module, self.context.instance, ports, pods=run_on_host is None, distribution=distribution
        )
        if selected is not None:
            spec["selector"] = dict(selected)
        service = Service(
            f"{self.module}-service", metadata=self.metadata(name, SKIP_AWAIT), spec=spec, opts=self.child()
        )
        if run_on_host is not None:
            self._host_endpoints(name, ports, run_on_host, service)
        return service

    def _host_endpoints(self, name: str, ports: Mapping[str, int], target: RunOnHost, service: Service) -> None:

        metadata = self.metadata(f"{name}-host")
        metadata["labels"] = labels(self.module, self.context.instance) | {
            "kubernetes.io/service-name": name,
            "endpointslice.kubernetes.io/managed-by": "pulumi",
        }
        EndpointSlice(
            f"{self.module}-host-endpoints",
            metadata=metadata,
            address_type="IPv6" if ":" in target.ip else "IPv4",
            endpoints=host_endpoint(target.ip),
            ports=[{"name": next(iter(ports)), "port": target.port, "protocol": "TCP"}],
            opts=self.child(depends_on=[service]),
        )

    def headless_service(self, name: str, ports: Mapping[str, int], *, unready: bool = False) -> str:
        """The governing Service of a StatefulSet: it gives its pod a name."""
        Service(
            f"{self.module}-headless-service",
            metadata=self.metadata(f"{name}-headless", SKIP_AWAIT),
            spec=service_spec(self.module, self.context.instance, ports, headless=True, unready=unready),
            opts=self.child(),
        )
        return f"{name}-headless"

    def config_map(
        self,
        part: str,
        data: Mapping[str, str],
        *,
        name: str | None = None,
        namespace: str | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> ConfigMap:
        """A ConfigMap named by its content, so that a change rolls the pods that mount it.

        Its logical name has the digest too. Under one logical name the engine would replace it, and would still have
        the old object to delete after an `up` that failed: taken back, the edit creates that object and the engine then
        deletes it, in use.

        Args:
            part: Part of the logical name, and of the name in the cluster.
            data: Its content.
            name: Its name in the cluster where that does not follow from part and content; ends in a digest.
            namespace: Where it is not that of the stack.
            depends_on: What has to be there before.
        """
        name = name or content_name(part, data)
        logical = f"{self.module}-{part}"
        return ConfigMap(
            f"{logical}-{content_digest(name)}",
            metadata=self.metadata(name, namespace=namespace),
            data=dict(data),
            opts=self.child(depends_on=depends_on, former_name=logical),
        )

    def secret(
        self,
        name: str,
        data: Mapping[str, pulumi.Input[str]],
        *,
        part: str = "secret",
        kind: str = "Opaque",
        more_labels: Mapping[str, str] = NO_LABELS,
    ) -> Secret:
        """A Secret of the module, by its own name: it is updated in place and pods roll by their fingerprint."""
        metadata = self.metadata(name)
        metadata["labels"] = {**labels(self.module, self.context.instance), **more_labels}
        return Secret(
            f"{self.module}-{part}",
            metadata=metadata,
            type=kind,
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            opts=self.child(),
        )

    def external_secret(
        self,
        name: str,
        data: Mapping[str, str],
        values: Sequence[Value],
        *,
        part: str = "secret",
        namespace: str | None = None,
        kind: str = "Opaque",
        more_labels: Mapping[str, str] = NO_LABELS,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> FilledSecret:
        """A Secret of the module that an operator fills from the stack's store; raises ValueError where it has none.

        `data` holds the operator's templates of `values` by key. Pulumi waits until the Secret is there.
        """
        if self.context.external is None:
            raise ValueError(f"{name}: the stack has no store")
        metadata = self.metadata(name, {"pulumi.com/waitFor": "condition=Ready"}, namespace=namespace)
        made = {**labels(self.module, self.context.instance), **more_labels}
        resource = CustomResource(
            f"{self.module}-external-{part}",
            api_version=external_secrets.API,
            kind="ExternalSecret",
            metadata=metadata,
            spec=self.context.external.spec(name, data, tuple(values), made, kind),
            opts=self.child(depends_on=depends_on),
        )
        # As an output, the name makes its users wait for the resource.
        return FilledSecret(resource, resource.urn.apply(lambda _: name))

    def pull_secret(self, namespace: str, part: str, *, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.Resource:
        """The login of the images' registry in a namespace; raises ValueError where the stack has none."""
        login = self.context.pull_secret
        if login is None:
            raise ValueError("the stack has no login of a registry")
        if login.document is None:
            return self.external_secret(
                login.name,
                {KEY: login.template},
                [Value.REGISTRY_PASSWORD],
                part=part,
                namespace=namespace,
                kind=KIND,
                depends_on=depends_on,
            ).resource
        return Secret(
            f"{self.module}-{part}",
            metadata=self.metadata(login.name, namespace=namespace),
            type=KIND,
            string_data={KEY: login.document},
            opts=self.child(depends_on=depends_on),
        )

    def data_claim(
        self, name: str, size: str, storage_class: str | None, *, part: str = "data"
    ) -> PersistentVolumeClaim:
        """A claim of its own rather than a template: it grows by an update and outlives the StatefulSet."""
        return PersistentVolumeClaim(
            f"{self.module}-{part}",
            metadata=self.metadata(name, SKIP_AWAIT | FORCE),
            spec=claim_spec(self.context.volume_size(name, size), storage_class),
            opts=self.kept(),
        )

    def generated(self, part: str, *, version: int) -> pulumi.Output[str]:
        """A random value made once and kept encrypted in the state; another `version` makes another one.

        32 characters of URL-safe base64, 192 bits. The input differs on every run and is ignored after the first.
        """
        stash = pulumi.Stash(
            f"{self.module}-{part}",
            input=pulumi.Output.secret(secrets.token_urlsafe(24)),
            opts=self.child(ignore_changes=["input"], replacement_trigger=version),
        )
        return pulumi.Output.secret(stash.output)


@dataclass(frozen=True)
class FilledSecret:
    """A Secret that an operator fills."""

    resource: CustomResource
    name: pulumi.Output[str]


def secret_name(secret: Secret | FilledSecret | str) -> pulumi.Input[str]:
    """Name of a Secret: of ours and of an operator's by its output, so that its users wait for it."""
    if isinstance(secret, FilledSecret):
        return secret.name
    return secret if isinstance(secret, str) else secret.metadata.name


def secret_key(secret: Secret | FilledSecret | str, key: str) -> SecretKey:
    """A key of a Secret of ours, of one that an operator fills, or of one that exists by name."""
    return SecretKey(secret_name(secret), key)
