"""How the parts of a stack reach each other."""

from __future__ import annotations

from dataclasses import dataclass

from archesai_infra.components.base.context import Endpoint
from archesai_infra.components.database.connection import DatabaseConnection
from archesai_infra.components.redis import RedisConnection
from archesai_infra.components.storage import Storage


@dataclass(frozen=True)
class Connections:
    """What the services of a stack give to their consumers; None for what is off."""

    database: DatabaseConnection | None = None
    redis: RedisConnection | None = None
    storage: Storage | None = None
    scraper: Endpoint | None = None
    unstructured: Endpoint | None = None
