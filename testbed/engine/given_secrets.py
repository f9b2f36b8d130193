"""Secrets that a stack file names, as a person makes them before the first `up`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from archesai_infra.cli.engine.existing_secrets import wanted
from testbed.controlplane.api import Api, Object
from testbed.controlplane.apply import Outcome
from testbed.engine.deployment import Deployment


class Applying(Protocol):
    """A running control plane or cluster."""

    api: Api

    def apply(self, items: list[Object]) -> Outcome:
        """Apply objects on the server in order."""
        ...


def provide(rig: Applying, deployment: Deployment, known: Mapping[str, str] | None = None) -> None:
    """Create the Secrets that a stack expects to exist, and the namespaces that are missing for them.

    Args:
        rig: Where.
        deployment: The stack.
        known: Values by key; others are made up.
    """
    values = known or {}
    for (namespace, name), keys in sorted(wanted(deployment.declared()).items()):
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        if rig.api.read(home) is None:
            rig.api.create(home)
        metadata = {"name": name, "namespace": namespace}
        data = {key: values.get(key, "made by the tests") for key in sorted(keys)}
        rig.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}]).check()
