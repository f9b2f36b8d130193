"""A cluster with real nodes as tests see it: its API, kubectl, and commands in its pods."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from testbed.controlplane import waiting
from testbed.controlplane.api import Api, Object
from testbed.controlplane.apply import Outcome, apply
from testbed.controlplane.certificates import KeyPair
from testbed.controlplane.waiting import Probe

WAIT_SECONDS = 120.0


class Cluster:
    """A running cluster, whoever started it."""

    def __init__(self, api: Api, kubeconfig: Path, kubectl: str | Path) -> None:
        self.api = api
        self.kubeconfig = kubeconfig
        self._kubectl = kubectl

    def kubectl(
        self, *arguments: str, stdin: str = "", seconds: float = WAIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; the caller looks at the status."""
        return subprocess.run(
            self._command(*arguments), input=stdin, capture_output=True, text=True, check=False, timeout=seconds
        )

    def beside(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl and do not wait for it."""
        return subprocess.Popen(self._command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _command(self, *arguments: str) -> list[str | Path]:
        return [self._kubectl, f"--kubeconfig={self.kubeconfig}", *arguments]

    def exec(
        self, namespace: str, pod: str, *command: str, container: str | None = None, seconds: float = WAIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a pod; the status is the command's own."""
        chosen = [f"--container={container}"] if container else []
        return self.kubectl("exec", f"--namespace={namespace}", pod, *chosen, "--", *command, seconds=seconds)

    def logs(self, namespace: str, pod: str, *arguments: str) -> str:
        """What a pod has printed."""
        done = self.kubectl("logs", f"--namespace={namespace}", pod, *arguments)
        return done.stdout + done.stderr

    def pods(self, namespace: str, labels: str = "") -> list[Object]:
        """The pods that are not on their way out."""
        found = self.api.list("v1", "Pod", namespace, labels=labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def apply(self, items: Iterable[Object], *, manager: str = "tests") -> Outcome:
        """Apply objects on the server in order, with strict validation."""
        return apply(self.api, items, manager=manager)

    def wait_ready(self, *items: Object, seconds: float = WAIT_SECONDS) -> list[Object]:
        """Wait until these objects are ready, and return them as they are then."""
        return waiting.wait_ready(self.api, items, seconds=seconds)

    def wait_gone(self, *items: Object, seconds: float = WAIT_SECONDS) -> None:
        """Wait until these objects exist no more."""
        waiting.wait_gone(self.api, items, seconds=seconds)

    def wait_for(self, what: str, probe: Probe, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the probe finds nothing missing any more."""
        waiting.wait_for(what, probe, seconds=seconds)


def standing(kubeconfig: Path, directory: Path) -> Cluster:
    """A cluster that somebody else started, such as kind's or k3d's, whose kubeconfig holds a client certificate.

    Args:
        kubeconfig: Its current context names the cluster and the user.
        directory: Where the certificates are written for this process.
    """
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    context = _named(document["contexts"], document["current-context"])["context"]
    server = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"]
    files = {
        "ca.crt": server["certificate-authority-data"],
        "client.crt": user["client-certificate-data"],
        "client.key": user["client-key-data"],
    }
    for name, content in files.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_bytes(base64.b64decode(content))
    identity = KeyPair(directory / "client.crt", directory / "client.key")
    return Cluster(Api(server["server"], directory / "ca.crt", identity), kubeconfig, "kubectl")


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)
