"""Production as shipped, one such stack at a time: its monitoring, its class and its issuer have fixed names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from testbed.controlplane import fleet
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine.configurations import PROD
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.standin_charts import Templates, only_records


@contextmanager
def production(
    deploy: Deploy, rig: ControlPlane, name: str, templates: Templates = only_records
) -> Generator[Deployment]:
    """A production stack of this name, not deployed yet; destroyed afterwards with the namespaces that it keeps."""
    # The stack brings the class of the controller that it installs.
    rig.api.delete(fleet.ingress_class(fleet.INGRESS_CLASS))
    deployment = deploy(name, PROD, templates=templates)
    try:
        yield deployment
    finally:
        deployment.run("destroy", "--yes", "--skip-preview", "--ignore-protect")
        # It is kept with its volumes, and the next stack needs its name.
        kept: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}
        rig.api.delete(kept)
        rig.wait_gone(kept)
