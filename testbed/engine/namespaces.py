"""Namespaces that a stack of an engine test leaves: those of charts have fixed names, which other stacks need."""

from __future__ import annotations

from collections.abc import Iterable

from archesai_infra.kube.labels import INSTANCE
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.deployment import Deployment

GONE_SECONDS = 300.0
"""Bound on the end of a namespace with what is in it."""


def remove_namespaces(rig: ControlPlane, deployment: Deployment, others: Iterable[str] = ()) -> None:
    """Delete all that carry the stack's label, its own and the named others; wait for the end of all but its own."""
    own = {str(deployment.config["namespace"]), deployment.name}
    made = rig.api.list("v1", "Namespace", labels=f"{INSTANCE}={deployment.name}")
    names = own | {item["metadata"]["name"] for item in made} | set(others)
    namespaces: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(names)
    ]
    for namespace in namespaces:
        rig.api.delete(namespace)
    rig.wait_gone(*(item for item in namespaces if item["metadata"]["name"] not in own), seconds=GONE_SECONDS)
