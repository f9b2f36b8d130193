"""Manifests of an evaluated stack: one YAML stream, or a directory with a file for each object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from archesai_infra.stack.evaluate import Evaluation, Resource

_FIRST = (
    "Namespace",
    "IngressClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "Secret",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "StatefulSet",
    "Job",
    "Deployment",
)
"""What others refer to comes first, so that one pass of `kubectl apply` is enough."""


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the dumper's protocol
        """Anchors are hard to review."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(value: object) -> str:
    """YAML as a reviewer wants it: keys in order, scripts readable."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=True, width=120, allow_unicode=True)


def ordered(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The stack's objects in the order in which they can be applied."""

    def place(item: Mapping[str, Any]) -> tuple[int, str, str]:
        kind = str(item["kind"])
        return (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind, str(item["metadata"]["name"]))

    return sorted(evaluation.objects, key=place)


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
    """File name to text: `<kind>-<name>.yaml` for each object, `helm/<release>.yaml` with each release's values."""
    built = {f"{item['kind'].lower()}-{item['metadata']['name']}.yaml": to_yaml(item) for item in ordered(evaluation)}
    if len(built) != len(evaluation.objects):
        raise ValueError("two objects of one kind share a name in different namespaces")
    for release in evaluation.releases:
        built[f"helm/{release.inputs['name']}.yaml"] = _release_file(release)
    return built


def _release_file(release: Resource) -> str:
    inputs = release.inputs
    head = f"# {inputs['chart']} {inputs['version']}, namespace {inputs['namespace']}\n"
    return head + to_yaml(inputs["values"])
