"""The database: its settings, its component and its connection."""

from archesai_infra.components.database.component import Database, DatabaseArgs
from archesai_infra.components.database.connection import DatabaseConnection
from archesai_infra.components.database.server import MOUNT_PATH
from archesai_infra.components.database.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    SECRET,
    URL_KEY,
    ExternalDatabase,
    ManagedDatabase,
    Postgres,
    requirements,
)

__all__ = [
    "MODULE",
    "MOUNT_PATH",
    "NAME",
    "PASSWORD_KEY",
    "PORT",
    "SECRET",
    "URL_KEY",
    "Database",
    "DatabaseArgs",
    "DatabaseConnection",
    "ExternalDatabase",
    "ManagedDatabase",
    "Postgres",
    "requirements",
]
