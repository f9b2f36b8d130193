"""The program that one would write without components: every object of a stack as a plain resource."""

from __future__ import annotations

import re
from pathlib import Path
from pprint import pformat
from typing import Any

import yaml

from archesai_infra.stack.evaluate import Evaluation, Resource

EMPTY = "import pulumi\n"

_PROJECT = {"name": "flat", "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}}
_FIRST = "Namespace"
_LAST_WORDS = {"apiVersion", "kind"}


def write_program(directory: Path, environment: Path, text: str) -> Path:
    """A project directory around a program's text."""
    directory.mkdir(parents=True)
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(_PROJECT), encoding="utf-8")
    (directory / "__main__.py").write_text(text, encoding="utf-8")
    (directory / ".venv").symlink_to(environment.resolve(), target_is_directory=True)
    return directory


def flat_program(declared: Evaluation) -> str:
    """The stack's objects and releases with the defaults of provider and engine.

    Namespaces come first, then releases, then all else at once: only kinds that a release brings wait for it.
    """
    objects = [one for one in declared.resources if one.is_object]
    namespaces = [one for one in objects if one.inputs["kind"] == _FIRST]
    others = [one for one in objects if one.inputs["kind"] != _FIRST]
    modules = sorted({_module(one) for one in (*objects, *declared.releases)})
    lines = ["from pulumi import ResourceOptions", *(f"import {module}" for module in modules), ""]
    lines += ["namespaces = [", *(f"    {_call(one)}," for one in namespaces), "]"]
    lines += ["inside = ResourceOptions(depends_on=namespaces)"]
    lines += ["releases = [", *(f"    {_call(one, 'inside')}," for one in declared.releases), "]"]
    lines += ["defined = ResourceOptions(depends_on=releases or namespaces)"]
    lines += [_call(one, "defined" if _is_custom(one) else "inside") for one in others]
    return "\n".join([*lines, ""])


def _is_custom(resource: Resource) -> bool:
    """Whether the SDK has no class for the kind: the group of an operator has more than Kubernetes' own suffix."""
    group = resource.type.split(":")[1].partition("/")[0]
    return "." in group and not group.endswith((".k8s.io", "helm.sh"))


def _own_module(resource: Resource) -> str:
    group = resource.type.split(":")[1]
    name, _, version = group.partition("/")
    return f"pulumi_kubernetes.{name.partition('.')[0]}.{version}"


def _module(resource: Resource) -> str:
    return "pulumi_kubernetes.apiextensions" if _is_custom(resource) else _own_module(resource)


def _call(resource: Resource, options: str | None = None) -> str:
    kind = "CustomResource" if _is_custom(resource) else resource.type.rpartition(":")[2]
    fields: dict[str, Any] = {
        key: _bare(value) for key, value in resource.inputs.items() if _is_custom(resource) or key not in _LAST_WORDS
    }
    arguments = [repr(resource.name), *(f"{_snake(key)}={pformat(value, width=110)}" for key, value in fields.items())]
    if options:
        arguments.append(f"opts={options}")
    return f"{_module(resource)}.{kind}({', '.join(arguments)})"


def _bare(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without the annotations that tell the provider not to wait: the flat program has its defaults."""
    if isinstance(value, dict) and isinstance(value.get("annotations"), dict):
        kept = {key: text for key, text in value["annotations"].items() if not key.startswith("pulumi.com/")}
        return {key: item for key, item in value.items() if key != "annotations"} | (
            {"annotations": kept} if kept else {}
        )
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
