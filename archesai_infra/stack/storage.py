"""The object storage of a whole stack: its users follow from which modules it has."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.storage import metrics as storage_metrics
from archesai_infra.components.storage import users
from archesai_infra.components.storage.users import User
from archesai_infra.stack import backups
from archesai_infra.stack.settings import Settings


def storage_users(settings: Settings) -> tuple[User, ...]:
    """Every consumer of the object storage with what it may do."""
    return tuple(_users(settings))


def _users(settings: Settings) -> Iterator[User]:
    bucket = settings.storage.bucket
    if settings.api.enabled:
        yield User(users.API, "write", bucket)
    if backups.copies_objects(settings):
        yield User(users.OBJECTS, "read", bucket)
        yield User(users.RESTORE, "write", bucket)
    if settings.monitoring.enabled and settings.monitoring.logs_in_object_storage:
        yield User(users.LOGS, "write", settings.monitoring.logs.bucket)
    if settings.monitoring.enabled and storage_metrics.served(settings.storage):
        yield User(users.PROMETHEUS, "metrics")
    if settings.backups.enabled and backups.in_own_storage(settings) and settings.backups.bucket:
        yield User(users.BACKUPS, "write", settings.backups.bucket)
