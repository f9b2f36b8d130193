"""Manifests of an evaluated stack: one YAML stream, or a directory with a file for each object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from archesai_infra.components.gitops import with_waves
from archesai_infra.stack.evaluate import MASK, Evaluation, Resource

_FIRST = (
    "Namespace",
    "IngressClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "Secret",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "StatefulSet",
    "Job",
    "Deployment",
)
"""What others refer to comes first, so that one pass of `kubectl apply` is enough."""
MARKER = ".arches-render"
"""File in a directory of manifests that lists what a render wrote there: only that may be removed by the next one."""


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the dumper's protocol
        """Anchors are hard to review."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(value: object, *, sort_keys: bool = True) -> str:
    """YAML as a reviewer wants it: scripts readable, keys in order unless the given order matters."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=sort_keys, width=120, allow_unicode=True)


def marker(names: Iterable[str]) -> str:
    """Text of the file that lists what a render wrote."""
    return "".join(f"{name}\n" for name in sorted(names))


def hidden_secrets(evaluation: Evaluation) -> list[str]:
    """Names of the Secrets whose values are hidden. No manifest holds them: applied, the mask would be the value."""
    return sorted(str(item["metadata"]["name"]) for item in evaluation.objects if _holds_mask(item))


def _holds_mask(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_mask(item) for item in value.values())
    return any(_holds_mask(item) for item in value) if isinstance(value, list) else value == MASK


def ordered(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The stack's objects in the order in which they can be applied, without Secrets whose values are hidden.

    For Argo CD they have its waves.
    """

    def place(item: Mapping[str, Any]) -> tuple[int, str, str]:
        kind = str(item["kind"])
        return (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind, str(item["metadata"]["name"]))

    objects = with_waves(evaluation.objects) if evaluation.by_argo_cd else evaluation.objects
    return sorted((item for item in objects if not _holds_mask(item)), key=place)


def stream(evaluation: Evaluation) -> str:
    """All objects as one YAML stream; Helm releases follow as comments, because no manifest can hold them."""
    documents = "---\n".join(to_yaml(item) for item in ordered(evaluation))
    return documents + "".join(f"# {line}\n" if line else "#\n" for line in _release_lines(evaluation))


def _release_lines(evaluation: Evaluation) -> Iterator[str]:
    for release in evaluation.releases:
        inputs = release.inputs
        yield ""
        yield f"Helm release {inputs['name']} in namespace {inputs['namespace']}: {inputs['chart']} {inputs['version']}"
        yield from to_yaml(inputs["values"]).splitlines()


def files(evaluation: Evaluation) -> dict[str, str]:
    """File name to text: `<kind>-<name>.yaml` for each object, `helm/<release>.yaml` with each release's values.

    Where two objects of one kind share a name, the namespace is part of the file's name too.
    """
    objects = ordered(evaluation)
    uses = Counter(_file_name(item) for item in objects)
    built = {_file_name(item, with_namespace=uses[_file_name(item)] > 1): to_yaml(item) for item in objects}
    for release in evaluation.releases:
        built[f"helm/{release.inputs['name']}.yaml"] = _release_file(release)
    return built


def _file_name(item: Mapping[str, Any], *, with_namespace: bool = False) -> str:
    metadata = item["metadata"]
    parts = [
        str(item["kind"]).lower(),
        *([str(metadata["namespace"])] if with_namespace else []),
        str(metadata["name"]),
    ]
    return f"{'-'.join(parts)}.yaml"


def _release_file(release: Resource) -> str:
    inputs = release.inputs
    head = f"# {inputs['chart']} {inputs['version']}, namespace {inputs['namespace']}\n"
    return head + to_yaml(inputs["values"])
