"""The object storage: its settings, its component, its bucket and its connection."""

from archesai_infra.components.storage.component import Storage, StorageArgs, StorageConnection
from archesai_infra.components.storage.settings import (
    ACCESS_KEY,
    BUCKET_MODULE,
    MODULE,
    NAME,
    PORT,
    SECRET_KEY,
    ExternalStorage,
    ManagedStorage,
    requirements,
)
from archesai_infra.components.storage.users import User

__all__ = [
    "ACCESS_KEY",
    "BUCKET_MODULE",
    "MODULE",
    "NAME",
    "PORT",
    "SECRET_KEY",
    "ExternalStorage",
    "ManagedStorage",
    "Storage",
    "StorageArgs",
    "StorageConnection",
    "User",
    "requirements",
]
