"""Write what a release declares, for the test of upgrades from it: python -m tools.release_state VERSION.

The file holds the shipped stack files as they are, and for each of their resources digests of what an upgrade is judged
by: its inputs, its pods, and the fields that an API server never changes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archesai_infra.stack.evaluate import Resource, evaluate
from archesai_infra.stack.stack_file import read

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "tests" / "data" / "releases"
STACKS = ("dev", "prod")
FIXED: Mapping[str, tuple[str, ...]] = {
    "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates"),
    "Deployment": ("selector",),
    "Job": ("template", "selector", "completions"),
    "PersistentVolumeClaim": ("accessModes", "storageClassName"),
    "RoleBinding": ("roleRef",),
}
"""Fields of `spec`, or of the object, that an API server refuses to change, by kind."""

ROLLED = ("DaemonSet", "Deployment", "StatefulSet")
"""Kinds whose pods are replaced when their template changes."""

Record = dict[str, Any]


def digest(value: object) -> str:
    """Short digest of a value; two values with one digest are the same for the test."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def records(file: str, stack: str) -> dict[str, Record]:
    """Records of what the present code declares, by URN without a digest; raises ConfigError for a file it refuses."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / f"Pulumi.{stack}.yaml").write_text(file, encoding="utf-8")
        (folder / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
        resources = evaluate(read(folder, stack)).resources
    return {item.lasting_urn: _record(item) for item in resources if item.is_object or item.is_release}


def _record(resource: Resource) -> Record:
    inputs = resource.inputs
    if resource.is_release:
        values = {key: inputs.get(key) for key in ("chart", "version", "values")}
        return {"kind": "Release", "name": inputs["name"], "inputs": digest(values)}
    kind, spec = str(inputs["kind"]), inputs.get("spec", {})
    record: Record = {"kind": kind, "name": inputs["metadata"]["name"], "inputs": digest(inputs)}
    if kind in ROLLED:
        record["pods"] = digest(spec["template"])
    if fixed := dict(_fixed(inputs, kind)):
        record["fixed"] = fixed
    return record


def _fixed(inputs: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    spec = inputs.get("spec", {})
    for field in FIXED.get(kind, ()):
        yield field, digest(inputs[field] if field in inputs else spec.get(field))


def release(version: str) -> dict[str, Any]:
    """What the present code declares of the shipped stack files."""
    files = {stack: (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8") for stack in STACKS}
    stacks = {stack: {"file": text, "resources": records(text, stack)} for stack, text in files.items()}
    return {"version": version, "stacks": stacks}


def main() -> int:
    """Exit status: 2 without a version."""
    if len(sys.argv) != len(["program", "version"]):
        sys.stderr.write("usage: python -m tools.release_state VERSION\n")
        return 2
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / f"{sys.argv[1]}.json"
    path.write_text(json.dumps(release(sys.argv[1]), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
