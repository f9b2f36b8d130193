"""Production as shipped, one such stack at a time: its monitoring, its class and its issuer have fixed names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from testbed.controlplane import fleet
from testbed.controlplane.clusterwide import ClusterWide
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import PROD
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.namespaces import remove_namespaces
from testbed.engine.standin_charts import Templates, only_records


@contextmanager
def production(
    deploy: Deploy, rig: ControlPlane, name: str, templates: Templates = only_records
) -> Generator[Deployment]:
    """A production stack of this name, not deployed yet; afterwards nothing of it is left, whatever became of it."""
    before = ClusterWide(rig.api)
    # The stack brings the class of the controller that it installs.
    rig.api.delete(fleet.ingress_class(fleet.INGRESS_CLASS))
    deployment = deploy(name, PROD, templates=templates)
    try:
        yield deployment
    finally:
        deployment.end_processes()
        # A killed run leaves its lock, under which no other begins.
        deployment.run("cancel", "--yes")
        deployment.run("destroy", "--yes", "--skip-preview", "--ignore-protect")
        before.reset()
        # Also those that the run did not come to, and that were made for its Secrets.
        declared = [item["metadata"]["name"] for item in deployment.declared().objects if item["kind"] == "Namespace"]
        remove_namespaces(rig, deployment, declared)
