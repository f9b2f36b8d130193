"""The database: its settings, its component and its connection."""

from archesai_infra.components.database.cluster.pooler import Pooler
from archesai_infra.components.database.component import Database, DatabaseArgs
from archesai_infra.components.database.connection import ArchiveConnection, DatabaseConnection
from archesai_infra.components.database.server import MOUNT_PATH
from archesai_infra.components.database.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    SECRET,
    SOURCE_SECRET,
    URL_KEY,
    ClusterDatabase,
    DatabasePod,
    ExternalDatabase,
    ExternalServer,
    ManagedDatabase,
    requirements,
)
from archesai_infra.components.database.tuning import Postgres

__all__ = [
    "MODULE",
    "MOUNT_PATH",
    "NAME",
    "PASSWORD_KEY",
    "PORT",
    "SECRET",
    "SOURCE_SECRET",
    "URL_KEY",
    "ArchiveConnection",
    "ClusterDatabase",
    "Database",
    "DatabaseArgs",
    "DatabaseConnection",
    "DatabasePod",
    "ExternalDatabase",
    "ExternalServer",
    "ManagedDatabase",
    "Pooler",
    "Postgres",
    "requirements",
]
