"""Evaluate the program in this process, on the SDK's own monitor: no engine, no cluster, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from archesai_infra.kube.names import without_digest
from archesai_infra.process import without_garbage_collection, without_source_positions
from archesai_infra.stack.config import PROJECT, RawConfig, load
from archesai_infra.stack.deploy import deploy
from archesai_infra.stack.settings import Settings

MASK = "<secret>"
"""Placeholder for a secret value."""

RELEASE = "kubernetes:helm.sh/v3:Release"
"""Type of a Helm release."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_STASH = "pulumi:index:Stash"


@dataclass(frozen=True)
class Resource:
    """A resource as the program registers it."""

    urn: str
    type: str
    name: str
    parent: str
    """URN of the parent; the stack's where there is none."""
    custom: bool
    """A component where false."""
    inputs: Mapping[str, Any]
    """Wire names; secret leaves are masked unless the evaluation reveals them."""
    secret_paths: tuple[str, ...] = ()
    """Where `inputs` hold secrets, as dotted paths."""
    provider: str = ""
    protect: bool = False
    retain_on_delete: bool = False
    depends_on: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    """Inputs whose changes the engine does not look at."""
    replacement_trigger: object = None
    """A value that replaces the resource when it changes."""

    @property
    def lasting_urn(self) -> str:
        """The URN without the digest of an object that is named by its content."""
        return without_digest(self.urn, str(self.inputs.get("metadata", {}).get("name", "")))

    @property
    def is_object(self) -> bool:
        """Whether it is a Kubernetes object; a Helm release, a provider or a stashed value is none."""
        return self.type.startswith("kubernetes:") and not self.type.startswith("kubernetes:helm.sh/")

    @property
    def is_release(self) -> bool:
        """Whether it is a Helm release."""
        return self.type == RELEASE


@dataclass(frozen=True)
class Evaluation:
    """A stack as the program declares it."""

    stack: str
    """Its name."""
    settings: Settings
    resources: tuple[Resource, ...]
    """In order of their URNs."""
    outputs: Mapping[str, Any]
    application: bool = False
    """Whether Argo CD's Application stands for the objects that it applies."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The Kubernetes objects, ready to be applied: CRs and all, without the annotations that only Pulumi reads."""
        objects = [_manifest(resource.inputs) for resource in self.resources if resource.is_object]
        # Argo CD creates a Deployment with its number of pods and ignores the field from then on.
        return objects if self.by_argo_cd else _without_scaled_replicas(objects)

    @property
    def by_argo_cd(self) -> bool:
        """Whether these are the objects that Argo CD applies."""
        return self.settings.gitops.enabled and not self.application

    @property
    def releases(self) -> list[Resource]:
        """The Helm releases, which no manifest holds."""
        return [resource for resource in self.resources if resource.is_release]


def _without_scaled_replicas(objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave the number of pods out where an autoscaler sets it: each apply would conflict with the autoscaler's.

    Pulumi learns it from `ignore_changes`, Argo CD from `ignoreDifferences`; manifests have no such way.
    """
    scaled = {
        (target["kind"], target["name"])
        for target in (item["spec"]["scaleTargetRef"] for item in objects if item["kind"] == "HorizontalPodAutoscaler")
    }
    return [
        {**item, "spec": {key: value for key, value in item["spec"].items() if key != "replicas"}}
        if (item["kind"], item["metadata"]["name"]) in scaled
        else item
        for item in objects
    ]


def evaluate(raw: RawConfig, *, reveal: bool = False, application: bool = False) -> Evaluation:
    """What a stack consists of, by its configuration; raises ConfigError. `reveal` keeps secret values readable.

    Where Argo CD applies the objects, `application` asks for what the engine declares instead: its Application.
    """
    settings, credentials = load(raw)
    monitor = _Monitor(reveal=reveal)
    # Otherwise the SDK keeps the stack of an earlier evaluation in this process as the parent of everything.
    pulumi.runtime.reset_options(project=PROJECT, stack=raw.stack, preview=True)
    mocks.set_mocks(_NoMocks(), project=PROJECT, stack=raw.stack, preview=True, monitor=monitor)
    declared: dict[str, Any] = {}
    with without_garbage_collection(), without_source_positions():
        pulumi.runtime.test(
            lambda: declared.update(deploy(settings, credentials, raw.stack, application=application))
        )()
    resources = tuple(monitor.seen[urn] for urn in sorted(monitor.seen))
    return Evaluation(raw.stack, settings, resources, declared, application)


def _manifest(inputs: Mapping[str, Any]) -> dict[str, Any]:
    manifest = dict(inputs)
    metadata = dict(manifest.get("metadata", {}))
    annotations = {k: v for k, v in metadata.pop("annotations", {}).items() if not k.startswith("pulumi.com/")}
    if annotations:
        metadata["annotations"] = annotations
    manifest["metadata"] = metadata
    return manifest


def _masked(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same shape with every leaf masked, so that a Secret still shows its keys."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else MASK


class _NoMocks(mocks.Mocks):
    """The program reads nothing from providers, so there is nothing to pretend."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(f"the program must not call {args.token}: an evaluation has no provider to ask")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(f"registered past the monitor: {args.typ}")


@dataclass
class _Monitor(mocks.MockMonitor):
    """Takes every registration as it comes over the wire and answers with the inputs as outputs."""

    reveal: bool
    seen: dict[str, Resource] = field(default_factory=dict[str, Resource])

    def __post_init__(self) -> None:
        super().__init__(_NoMocks())

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the monitor's protocol
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if urn in self.seen:
            raise RuntimeError(f"two resources share the URN {urn}")
        secret_paths: list[str] = []
        inputs = self._plain(request.object, secret_paths, "")
        self.seen[urn] = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=inputs,
            secret_paths=tuple(secret_paths),
            provider=request.provider,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            depends_on=tuple(sorted(request.dependencies)),
            ignore_changes=tuple(request.ignoreChanges),
            replacement_trigger=self._value(request.replacement_trigger, [], ""),
        )
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=self._outputs(request))

    def _outputs(self, request: Any) -> struct_pb2.Struct:  # noqa: ANN401 - a message of the monitor's protocol
        """What others may read of a resource: its name. The rest would be taken apart again for nothing."""
        outputs = struct_pb2.Struct()
        if "metadata" in request.object.fields:
            outputs.fields["metadata"].CopyFrom(request.object.fields["metadata"])
        if request.type == _STASH and self.reveal:
            outputs.fields["output"].CopyFrom(request.object.fields["input"])
        elif request.type == _STASH:
            # Not the random value: what follows from it must be the same in every evaluation.
            outputs.fields["output"].string_value = f"generated:{request.name}"
        return outputs

    def _plain(self, value: struct_pb2.Struct, secret_paths: list[str], path: str) -> Any:  # noqa: ANN401 - JSON
        fields = {key: value.fields[key] for key in sorted(value.fields)}
        if _SIGNATURE in fields:
            if fields[_SIGNATURE].string_value != _SECRET:
                return f"<{path}>"
            secret_paths.append(path)
            plain = self._value(fields["value"], [], path)
            return plain if self.reveal else _masked(plain)
        return {key: self._value(item, secret_paths, f"{path}.{key}".lstrip(".")) for key, item in fields.items()}

    def _value(self, value: struct_pb2.Value, secret_paths: list[str], path: str) -> Any:  # noqa: ANN401 - JSON
        match value.WhichOneof("kind"):
            case "struct_value":
                return self._plain(value.struct_value, secret_paths, path)
            case "list_value":
                return [self._value(item, secret_paths, path) for item in value.list_value.values]
            case "number_value":
                number = value.number_value
                return int(number) if number.is_integer() else number
            case "string_value":
                return value.string_value
            case "bool_value":
                return value.bool_value
            case _:
                return None
