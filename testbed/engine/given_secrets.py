"""Secrets that a stack file names, as a person makes them before the first `up`."""

from __future__ import annotations

from archesai_infra.cli.engine.existing_secrets import wanted
from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deployment


def provide(rig: ControlPlane, deployment: Deployment) -> None:
    """Create the Secrets that a stack expects to exist, and the namespaces that are missing for them."""
    for (namespace, name), keys in sorted(wanted(deployment.declared()).items()):
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        if rig.api.read(home) is None:
            rig.api.create(home)
        metadata = {"name": name, "namespace": namespace}
        data = dict.fromkeys(sorted(keys), "made by the tests")
        rig.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}]).check()
