"""What every tier shares."""

from __future__ import annotations

pytest_plugins = [
    "testbed.controlplane.clusterwide",
    "testbed.controlplane.fixtures",
    "testbed.engine.fixtures",
    "testbed.tiers",
]
