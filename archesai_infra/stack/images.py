"""The images a stack runs, by the key that sets each."""

from __future__ import annotations

from archesai_infra import versions
from archesai_infra.components.base.settings import Image
from archesai_infra.components.storage import ManagedStorage
from archesai_infra.stack import backups
from archesai_infra.stack.settings import Settings


def used_images(settings: Settings) -> dict[str, tuple[Image, versions.ImageVersion]]:
    """Key of each image that some pod of the stack runs, to what is set and what stands in for the rest.

    Images inside Helm releases are their charts' own.
    """
    minio = isinstance(settings.storage, ManagedStorage) and settings.storage.server == "minio"
    defaults = {
        "api": versions.API,
        "platform": versions.PLATFORM,
        "database": versions.DATABASE,
        "redis": versions.REDIS,
        "storage": versions.MINIO if minio else versions.RUSTFS,
        "unstructured": versions.UNSTRUCTURED,
        "scraper": versions.SCRAPER,
    }
    used: dict[str, tuple[Image, versions.ImageVersion]] = {}
    for module, default in defaults.items():
        chosen = getattr(settings, module)
        image: Image | None = getattr(chosen, "image", None)
        if chosen.enabled and image is not None and getattr(chosen, "run_on_host", None) is None:
            used[f"{module}.image"] = (image, default)
    if isinstance(settings.storage, ManagedStorage) and settings.storage.enabled:
        used["storage.bucketImage"] = (settings.storage.bucket_image, versions.RCLONE)
    watched = settings.monitoring
    if watched.enabled:
        used["monitoring.databaseExporter.image"] = (watched.database_exporter.image, versions.POSTGRES_EXPORTER)
        used["monitoring.redisExporter.image"] = (watched.redis_exporter.image, versions.REDIS_EXPORTER)
    if settings.backups.enabled:
        used |= backups.images(settings)
    return used
