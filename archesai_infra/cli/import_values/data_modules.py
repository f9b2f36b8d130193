"""The old chart's database, redis and object storage as the stack's data modules."""

from __future__ import annotations

from urllib.parse import urlsplit

from archesai_infra.cli.import_values.old_values import (
    GENERATED,
    OldValues,
    pinned_image,
    resources,
    switched_on,
    unmanaged,
    was_on,
)
from archesai_infra.credentials import Credential


def database(old: OldValues) -> None:
    """The database, and whether a Job migrates it."""
    url = old.take("database.url")
    old.secret("secrets.databasePassword", Credential.DATABASE_PASSWORD, f"{GENERATED}; the server takes it over")
    if unmanaged(old, "database"):
        old.put("database.mode", "external")
        old.result.secrets[Credential.DATABASE_URL] = "database.url: the whole URL of the server"
        for path in ("database.auth.database", "database.auth.password", "database.persistence.size"):
            old.drop(path, "an external database needs its URL only")
        old.below("database.resources")
        old.result.secrets.pop(Credential.DATABASE_PASSWORD, None)
    else:
        if url is not None:
            old.result.no_place["database.url"] = "the URL follows from the module"
        old.move("database.auth.database", "database.name")
        old.secret("database.auth.password", Credential.DATABASE_PASSWORD, f"{GENERATED}; the server takes it over")
        old.move("database.persistence.size", "database.size")
        resources(old, "database", "database")
    old.put("database.enabled", switched_on(old, "database"))
    _persistent(old, "database")
    pinned_image(old, "database")
    migrated = [old.take("migrations.enabled"), old.take("infrastructure.migrations.enabled")]
    if any(value is not None for value in migrated):
        old.put("migrations.mode", "job" if any(migrated) else "off")


def _persistent(old: OldValues, module: str) -> None:
    if old.take(f"{module}.persistence.enabled") is False:
        old.result.no_place[f"{module}.persistence.enabled"] = "data is always on a volume"


def redis(old: OldValues) -> None:
    """Redis."""
    host, port = old.take("redis.host"), old.take("redis.port")
    old.secret("redis.auth", Credential.REDIS_PASSWORD, GENERATED)
    if unmanaged(old, "redis"):
        old.put("redis.mode", "external")
        old.put("redis.host", host)
        old.put("redis.port", port)
        old.below("redis.resources")
        old.drop("redis.persistence.size", "an external redis has its own volume")
        old.result.secrets[Credential.REDIS_PASSWORD] = "redis.auth: the server's own"
    else:
        old.move("redis.persistence.size", "redis.size")
        resources(old, "redis", "redis")
    old.put("redis.enabled", switched_on(old, "redis"))
    _persistent(old, "redis")
    pinned_image(old, "redis")


def storage(old: OldValues) -> None:
    """The object storage, with the server whose data its volume has."""
    endpoint = old.take("storage.endpoint")
    external = unmanaged(old, "storage")
    why = "the service's own" if external else GENERATED
    old.secret("storage.accesskey", Credential.STORAGE_ACCESS_KEY, why)
    old.secret("storage.secretkey", Credential.STORAGE_SECRET_KEY, why)
    old.move("storage.bucket", "storage.bucket")
    if external:
        parts = urlsplit(str(endpoint))
        old.put("storage.mode", "external")
        old.put("storage.host", parts.hostname)
        old.put("storage.port", parts.port or (443 if parts.scheme == "https" else 80))
        old.put("storage.tls", parts.scheme == "https")
        old.below("storage.resources")
        old.drop("storage.persistence.size", "an external storage has its own volume")
    else:
        # The volume's format is the server's: another server would not find the objects.
        # The old chart's default image, which overlays leave out, was MinIO's.
        image = str(old.leaves.get("storage.image.repository", "minio"))
        old.put("storage.server", "minio" if "minio" in image and was_on(old, "storage") else None)
        old.move("storage.persistence.size", "storage.size")
        resources(old, "storage", "storage")
    enabled = switched_on(old, "storage")
    old.put("storage.enabled", enabled)
    production = old.result.config.get("environment") == "production"
    old.put("storage.acceptSingleNode", enabled if production and not external else None)
    _persistent(old, "storage")
    pinned_image(old, "storage")
