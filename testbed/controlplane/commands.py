"""Running `kubectl exec` for real: which commands of which pods run on this host, where, and with what environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.controlplane.api import Object


@dataclass(frozen=True)
class ExecRule:
    """Commands sent to the matching pods run in `directory` with `env`; an empty filter matches all.

    kwok adds the environment to its own, which is PATH and HOME only.
    """

    env: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: Path | None = None
    namespaces: Sequence[str] = ()
    pods: Sequence[str] = ()
    containers: Sequence[str] = ()

    def document(self, name: str, default_directory: Path) -> Object:
        """The rule in kwok's own terms."""
        local = {
            "workDir": str(self.directory or default_directory),
            "envs": [{"name": key, "value": value} for key, value in self.env.items()],
        }
        return {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterExec",
            "metadata": {"name": name},
            "spec": {
                "selector": {"matchNamespaces": list(self.namespaces), "matchNames": list(self.pods)},
                "execs": [{"containers": list(self.containers), "local": local}],
            },
        }


def minimal_environment(home: Path) -> dict[str, str]:
    """The environment of every process of a rig, so that nothing of the developer's own leaks in."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}


def with_own_status(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """The result of `kubectl exec` with the command's own status, which a kubelet passes on and kwok only mentions."""
    if own := re.search(r"^error: Internal error occurred: .*: exit status (\d+)$", done.stderr, re.MULTILINE):
        done.returncode = int(own[1])
    return done


def write_config(path: Path, rules: Sequence[ExecRule], default_directory: Path) -> None:
    """kwok's configuration file; the first rule that matches a pod and container decides."""
    documents = [rule.document(f"rule-{number}", default_directory) for number, rule in enumerate(rules)]
    path.write_text("\n---\n".join(json.dumps(document) for document in documents), encoding="utf-8")
