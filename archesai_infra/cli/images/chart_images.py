"""The images that a chart's pods run, found by rendering it with the stack's values."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import root
from archesai_infra.stack.evaluate import Resource
from archesai_infra.versions import POD_SECURITY

HELM_SECONDS = 120
_APIS = ("monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1")
"""What charts ask the cluster for before they make objects of it."""
_DIGEST = "@sha256:[0-9a-f]{64}"
_VERSION = rf"(?::\w[\w.-]*(?:{_DIGEST})?|{_DIGEST})"
_ARGUMENT = re.compile(rf"--[\w.-]+=((?:[a-z0-9.-]+(?::\d+)?/)[a-z0-9._/-]+{_VERSION})")
"""Controllers are given the images of the pods that they make on their command lines."""
_IMAGE = re.compile(rf"[a-z0-9][\w./-]*(?::\d+/[\w./-]+)?{_VERSION}")


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's reading of `=`, which an enumeration of some definitions holds."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def chart_images(release: Resource, chart: str) -> set[str]:
    """References of all images of a release, whose chart is at an address or a path of the project.

    Raises CommandError where Helm or the chart cannot be had.
    """
    helm = shutil.which("helm")
    if helm is None:
        raise CommandError("helm is not on PATH", Exit.FOUND)
    command = [
        *(helm, "template", str(release.inputs["name"]), chart, "--version", str(release.inputs["version"])),
        *("--namespace", str(release.inputs["namespace"]), "--values", "-", "--skip-tests"),
        *("--kube-version", POD_SECURITY, *(f"--api-versions={api}" for api in _APIS)),
    ]
    done = subprocess.run(
        command,
        cwd=root(),
        # JSON is YAML.
        input=json.dumps(release.inputs.get("values", {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=HELM_SECONDS,
    )
    if done.returncode:
        raise CommandError((done.stderr.strip().splitlines() or ["helm gives no reason"])[-1], Exit.FOUND)
    documents = yaml.load_all(done.stdout, Loader=_Loader)
    return {image for document in documents if document for image in images_in(document)}


def images_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - YAML
    """References of the images in a rendered document, definitions excepted."""
    if isinstance(value, dict):
        if value.get("kind") == "CustomResourceDefinition":
            return
        image = value.get("image")
        if isinstance(image, str) and _IMAGE.fullmatch(image):
            yield image
        for item in value.values():
            yield from images_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from images_in(item)
    elif isinstance(value, str) and (match := _ARGUMENT.fullmatch(value)):
        yield match[1]
