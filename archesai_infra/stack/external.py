"""What a stack takes from a store outside of the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archesai_infra.components.monitoring.settings import NOTIFICATIONS
from archesai_infra.credentials import Credential
from archesai_infra.stack import backups
from archesai_infra.stack.settings import Settings

ALERTS = frozenset({*NOTIFICATIONS, Credential.ALERT_HEARTBEAT_URL})


def supplied(settings: Settings) -> frozenset[Credential]:
    """Credentials that come from the stack's store; none where it has no store."""
    return frozenset(_supplied(settings)) if settings.secrets.external else frozenset()


def _supplied(settings: Settings) -> Iterator[Credential]:
    database, grafana = settings.database, settings.monitoring.grafana
    if database.enabled and database.existing_secret is None:
        external = database.mode == "external" and database.host is None
        yield Credential.DATABASE_URL if external else Credential.DATABASE_PASSWORD
    if settings.redis.enabled and settings.redis.existing_secret is None:
        yield Credential.REDIS_PASSWORD
    if settings.storage.enabled and settings.storage.existing_secret is None:
        yield from (Credential.STORAGE_ACCESS_KEY, Credential.STORAGE_SECRET_KEY)
    if settings.api.enabled and settings.api.existing_secret is None:
        yield Credential.API_JWT_SECRET
    wanted = settings.backups.enabled and settings.backups.existing_secret is None
    if wanted and settings.backups.velero.role_arn is None:
        yield from (Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY)
    velero = settings.backups.velero
    if settings.backups.enabled and velero.install and not velero.existing_repository_secret:
        yield Credential.BACKUPS_REPOSITORY_PASSWORD
    if settings.security.registry.username is not None:
        yield Credential.REGISTRY_PASSWORD
    if settings.monitoring.installs and settings.monitoring.alerts.existing_secret is None:
        yield from map(Credential, _alerts(settings))
    if settings.monitoring.installs and grafana.existing_secret is None:
        yield Credential.GRAFANA_ADMIN_PASSWORD


def _alerts(settings: Settings) -> tuple[str, ...]:
    return settings.secrets.external.alerts if settings.secrets.external else ()


def requirements(settings: Settings, given: Mapping[Credential, object]) -> Iterator[str]:
    """What must not be set beside a store, each as `key: problem and cure`."""
    if settings.secrets.external is None:
        return
    for key in sorted((supplied(settings) & given.keys()) - (ALERTS if _alerts(settings) else frozenset())):
        yield f"{key}: secrets.external takes it from the store: put it there and remove it here"
    for key in sorted(ALERTS & given.keys()) if _alerts(settings) else ():
        yield f"{key}: secrets.external.alerts names receivers of the store: add it there and remove it here"
    if settings.backups.enabled and backups.in_own_storage(settings):
        yield "secrets.external: backups in the stack's own storage generate their keys: name another bucket"
