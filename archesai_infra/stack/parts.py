"""Which pods belong to a module: most have one kind of pod, a replicated redis has servers and proxies."""

from __future__ import annotations

from archesai_infra.components import redis
from archesai_infra.stack.settings import Settings

_REDIS = (redis.SERVERS, redis.PROXY)


def components(settings: Settings, module: str) -> tuple[str, ...]:
    """The labels `app.kubernetes.io/component` of a module's pods."""
    return _REDIS if module == redis.MODULE and isinstance(settings.redis, redis.ReplicatedRedis) else (module,)


def module_of(component: str) -> str:
    """The module that pods of a component belong to: a further component's name begins with its module's."""
    return component.partition("-")[0]
