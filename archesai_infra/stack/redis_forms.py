"""What a change of redis' form means for its data: each form has volumes of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archesai_infra.components import redis
from archesai_infra.stack.settings import Settings


def starts(settings: Settings, volumes: Mapping[str, str]) -> Iterator[str]:
    """What is to be said of a replicated redis that never ran, beside the volume of one pod that did."""
    own = settings.redis
    if not (own.enabled and isinstance(own, redis.ReplicatedRedis)):
        return
    if redis.SINGLE_CLAIM in volumes and not volumes.keys() & set(redis.CLAIMS):
        yield (
            "redis.mode: the replicated redis starts empty: Valkey reads no data of Redis 7.4. Claim "
            f"{redis.SINGLE_CLAIM} stays with its data; docs/scale.md says what is lost and how to go back"
        )
