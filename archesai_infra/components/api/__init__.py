"""The Arches api: its settings, its component, its objectives and what is watched about it."""

from archesai_infra.components.api.component import Api
from archesai_infra.components.api.configuration import ApiArgs, Configuration, database_variables
from archesai_infra.components.api.settings import (
    JWT_KEY,
    MODULE,
    NAME,
    OWNED,
    PORT,
    ApiSettings,
    flatten,
    requirements,
)

__all__ = [
    "JWT_KEY",
    "MODULE",
    "NAME",
    "OWNED",
    "PORT",
    "Api",
    "ApiArgs",
    "ApiSettings",
    "Configuration",
    "database_variables",
    "flatten",
    "requirements",
]
