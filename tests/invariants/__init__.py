"""What holds for every object of every stack. Each check yields its findings as `Kind name: defect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.invariants import application, data, identity, network, pods, references, scaling, secrets

if TYPE_CHECKING:
    from tests.invariants.view import Check, Rendered

CHECKS: tuple[Check, ...] = (
    *identity.CHECKS,
    *references.CHECKS,
    *pods.CHECKS,
    *scaling.CHECKS,
    *network.CHECKS,
    *secrets.CHECKS,
    *data.CHECKS,
    *application.CHECKS,
)


def violations(rendered: Rendered) -> list[str]:
    """What every check finds in a stack."""
    return [finding for check in CHECKS for finding in check(rendered)]
