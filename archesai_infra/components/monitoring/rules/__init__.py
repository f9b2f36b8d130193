"""Alerts and recording rules of a stack, by what they watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archesai_infra.components.monitoring.rules import api, certificates, data, infrastructure, itself

if TYPE_CHECKING:
    from archesai_infra.components.monitoring.rules.model import Group
    from archesai_infra.components.monitoring.scope import Scope


def groups(scope: Scope) -> list[Group]:
    """Every group of rules for what the stack has; nothing for modules that are off."""
    parts = (api, infrastructure, data, certificates, itself)
    return [group for part in parts for group in part.groups(scope)]
