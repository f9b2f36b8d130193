"""Rendering the releases with Helm on the real charts, where they can be had."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.fixtures import parts_or_skip
from testbed.programs.parts import CHARTS_VARIABLE

KUBERNETES = "1.36.3"
_DEPENDENCIES = {"kube-prometheus-stack": ("grafana", "kube-state-metrics", "prometheus-node-exporter")}


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's reading of `=`, which an enumeration of the operator's definitions holds."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def archive(chart: str, version: str) -> Path:
    """The chart's archive in the directory that the variable names; skips the test where there is none."""
    directory = os.environ.get(CHARTS_VARIABLE)
    if not directory:
        pytest.skip(f"{CHARTS_VARIABLE} names no directory with charts")
    path = Path(directory) / f"{chart}-{version}.tgz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {CHARTS_VARIABLE}")
    return path


def render(evaluation: Evaluation, chart: str) -> list[dict[str, Any]]:
    """The objects of a release, with the values and the version that the stack gives it."""
    inputs = next(item.inputs for item in evaluation.releases if item.inputs["chart"].endswith(f"/{chart}"))
    path = archive(chart, inputs["version"])
    helm = parts_or_skip("helm")["helm"]
    command = [
        *(str(helm), "template", inputs["name"], str(path)),
        *("--namespace", inputs["namespace"], "--values", "-", "--kube-version", KUBERNETES),
        *("--api-versions", "monitoring.coreos.com/v1"),
    ]
    # JSON is YAML; the values are plain, as nothing secret may be among them.
    values = json.dumps(inputs.get("values", {}))
    done = subprocess.run(command, input=values, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    documents = yaml.load_all(done.stdout, Loader=_Loader)
    return [document for document in documents if document]


@cache
def default_values(path: Path, chart: str) -> dict[str, Any]:
    """values.yaml of a chart, with those of its dependencies below the keys that reach them."""
    values = _file(path, f"{chart}/values.yaml")
    for dependency in _DEPENDENCIES.get(chart, ()):
        inner = _file(path, f"{chart}/charts/{dependency}/values.yaml")
        values[dependency] = _merged(inner, values.get(dependency) or {})
    return values


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = below | above
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            merged[key] = _merged(below[key], above[key])
    return merged


def _file(path: Path, name: str) -> dict[str, Any]:
    with tarfile.open(path) as archive_file:
        member = archive_file.extractfile(name)
        assert member is not None, name
        return yaml.load(member.read(), Loader=_Loader)  # noqa: S506 - a safe loader with one more tag
