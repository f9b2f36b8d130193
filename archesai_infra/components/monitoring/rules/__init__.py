"""Alerts and recording rules of a stack, by what they watch."""

from __future__ import annotations

from archesai_infra.components.monitoring.rules import api, certificates, data, infrastructure, workloads
from archesai_infra.components.monitoring.rules import self_monitoring as itself
from archesai_infra.components.monitoring.rules.model import Group
from archesai_infra.components.monitoring.watched import Watched


def groups(scope: Watched) -> list[Group]:
    """Every group of rules for what the stack has; nothing for modules that are off."""
    parts = (api, workloads, infrastructure, data, certificates, itself)
    return [group for part in parts for group in part.groups(scope)]
