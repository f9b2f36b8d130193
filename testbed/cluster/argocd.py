"""Syncs by the library that Argo CD is built of, with what the program's Application asks of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.render import files
from testbed.controlplane.rig import ControlPlane

SYNC_SECONDS = 300
"""A sync takes some seconds on a quiet machine; the bound is for one that is not."""


@dataclass(frozen=True)
class Synced:
    """The end of a sync."""

    phase: str
    """`Succeeded`, `Failed` or `Error`."""
    message: str
    resources: tuple[tuple[str, str], ...]
    """`Kind/name` and status (`Synced`, `Pruned`, `PruneSkipped`, `SyncFailed`) in the order of the sync."""
    problems: Mapping[str, str]
    """Reason by `Kind/name` of what failed."""
    differences: tuple[str, ...]
    """`Kind/name` of what still differs from the manifests a minute afterwards, but for ignored fields."""

    def names(self, status: str) -> list[str]:
        """What ended with a status, in order."""
        return [name for name, found in self.resources if found == status]


def synchronize(
    program: Path, rig: ControlPlane, application: Mapping[str, Any], manifests: Evaluation, directory: Path
) -> Synced:
    """Sync the rendered manifests of a stack until Argo CD calls it done; raises RuntimeError where it never does."""
    folder = directory / "manifests"
    folder.mkdir(parents=True)
    for name, text in files(manifests).items():
        (folder / name).write_text(text, encoding="utf-8")
    described = directory / "application.json"
    described.write_text(json.dumps(application), encoding="utf-8")
    done = subprocess.run(
        [
            *(program, "-kubeconfig", rig.admin_kubeconfig, "-application", described),
            *("-directory", folder, "-timeout", f"{SYNC_SECONDS}s"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SYNC_SECONDS + 120,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    answer = json.loads(done.stdout)
    resources = answer["resources"]
    return Synced(
        answer["phase"],
        answer["message"],
        tuple((item["name"], item["status"]) for item in resources),
        {item["name"]: item["message"] for item in resources if item["status"] == "SyncFailed"},
        tuple(answer["differences"]),
    )
