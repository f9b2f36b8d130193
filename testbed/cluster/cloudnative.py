"""The operator CloudNativePG as a process beside a control plane.

The operator's Go module needs others that the public proxy does not serve, so that it is no part of the testbed: the
tests run where a variable names its program, and another the directory with its chart.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from archesai_infra.components.database.cluster.operator import RELEASE
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.controlplane.certificates import CertificateAuthority
from testbed.controlplane.ports import free_ports
from testbed.controlplane.rig import ControlPlane
from testbed.monitoring.charts import render

VARIABLE = "ARCHESAI_OPERATOR"
"""Names the operator's program of the version that the stack installs."""
_HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_IN_PODS = ("Deployment", "Service")
_NAMESPACE = "cnpg-system"


def program_or_skip() -> Path:
    """The operator's program; skips the test where there is none."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"{VARIABLE} names no program of the operator")
    return Path(named)


@contextmanager
def asked(rig: ControlPlane, evaluation: Evaluation, manager: Path) -> Generator[None]:
    """Have the API server ask the operator about its objects, with the definitions, rights and webhooks of its chart.

    Args:
        rig: A control plane of its own: its kinds need the operator from then on.
        evaluation: A stack that installs the operator.
        manager: The operator's program.
    """
    objects = render(evaluation, RELEASE)
    rig.install_definitions([item for item in objects if item["kind"] == "CustomResourceDefinition"])
    rig.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
    kinds = {*_HOOKS, *_IN_PODS, "CustomResourceDefinition"}
    rig.apply(item for item in objects if item["kind"] not in kinds).check()
    directory = rig.directory / "operator"
    directory.mkdir()
    authority = CertificateAuthority(directory / "authority")
    pair = authority.serving("webhook", "IP:127.0.0.1")
    shutil.copy(pair.certificate, directory / "apiserver.crt")
    shutil.copy(pair.key, directory / "apiserver.key")
    # It looks beside itself for the programs that it gives to instances, one for each architecture.
    (directory / "operator").mkdir()
    (directory / "operator/manager_amd64").symlink_to(manager.absolute())
    port, metrics = free_ports(2)
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(rig.kubeconfig("operator", cluster_roles=[RELEASE])),
        "OPERATOR_NAMESPACE": _NAMESPACE,
        "WEBHOOK_CERT_DIR": str(directory),
    }
    command = [manager, "controller", f"--webhook-port={port}", f"--metrics-bind-address=127.0.0.1:{metrics}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
    try:
        rig.wait_for("the operator listens", lambda: _silent(process, port, directory / "log"))
        bundle = base64.b64encode(authority.certificate.read_bytes()).decode()
        hooks = [item for item in objects if item["kind"] in _HOOKS]
        rig.apply(_on_loopback(hooks, f"https://127.0.0.1:{port}", bundle)).check()
        yield
    finally:
        process.kill()
        process.wait()


def _silent(process: subprocess.Popen[bytes], port: int, log: Path) -> list[str]:
    if process.poll() is not None:
        raise RuntimeError(f"the operator ended by itself:\n{log.read_text(encoding='utf-8')[-2000:]}")
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError as error:
        return [str(error)]
    return []


def _on_loopback(items: Sequence[Object], address: str, bundle: str) -> Sequence[Object]:
    """The webhooks at an address in place of the operator's Service."""
    for item in items:
        for hook in item["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"{address}{path}", "caBundle": bundle}
    return items
