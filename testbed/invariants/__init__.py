"""What holds for every object of every stack. Each check yields its findings as `Kind name: defect`."""

from __future__ import annotations

from testbed.invariants import application, data, endpoints, identity, network, pods, references, scaling, secrets
from testbed.invariants.view import Check, Rendered

CHECKS: tuple[Check, ...] = (
    *identity.CHECKS,
    *references.CHECKS,
    *pods.CHECKS,
    *scaling.CHECKS,
    *network.CHECKS,
    *endpoints.CHECKS,
    *secrets.CHECKS,
    *data.CHECKS,
    *application.CHECKS,
)


def violations(rendered: Rendered) -> list[str]:
    """What every check finds in a stack."""
    return [finding for check in CHECKS for finding in check(rendered)]
