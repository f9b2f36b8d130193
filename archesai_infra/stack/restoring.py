"""What a stack is reduced to while a lost cluster is restored."""

from __future__ import annotations

from archesai_infra.components.base.settings import Module
from archesai_infra.stack.settings import Settings


def bare(settings: Settings) -> Settings:
    """The stack with nothing in it but its namespace and Velero, whose Schedules rest.

    Whatever else ran would make new, empty volumes, and a restore skips what exists.
    """
    off = {
        name: part.model_copy(update={"enabled": False})
        for name, part in settings
        if isinstance(part, Module) and name != "backups"
    }
    schedules = settings.backups.schedules.model_copy(update={"paused": True})
    return settings.model_copy(update=off | {"backups": settings.backups.model_copy(update={"schedules": schedules})})
