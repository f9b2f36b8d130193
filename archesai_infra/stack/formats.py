"""What the data on a claim depends on besides PostgreSQL's major version: another server would misread it.

Text indexes of PostgreSQL are sorted by the C library of the image's system, and another release of Debian sorts
otherwise: rows are then not found, without an error (PostgreSQL's documentation, "Collation Support"). redis reads the
files of older versions and not those of newer ones, and Valkey reads none that redis wrote since 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archesai_infra import versions
from archesai_infra.components import database, redis
from archesai_infra.components.database.major import system
from archesai_infra.stack.protection import VOLUMES, ProtectedError
from archesai_infra.stack.settings import Settings

FORMATS = "dataFormats"
"""The stack's output with what wrote the data, such as `Debian bookworm` or `redis 7.4`, by claim or cluster."""
_SERVERS = ("redis ", "valkey ")


def formats(settings: Settings) -> dict[str, str]:
    """What writes the stack's own data, by the claim or the cluster that holds it; not where the tag is silent."""
    found: dict[str, str | None] = {}
    own, cache = settings.database, settings.redis
    if isinstance(own, database.ManagedDatabase) and own.runs_pods:
        found[own.claim] = system(own.tag)
    if isinstance(own, database.ClusterDatabase) and own.enabled:
        found[own.cluster.name] = system(own.cluster.image.tag_or(versions.POSTGRES))
        if own.keeps_single_pod:
            found[own.claim] = system(own.tag)
    if isinstance(cache, redis.ManagedRedis | redis.ReplicatedRedis) and cache.runs_pods:
        place = cache.claim if isinstance(cache, redis.ManagedRedis) else f"{redis.NAME}-replicated"
        found[place] = _server(cache.image.locked_as(cache.default_image))
    return {place: text for place, text in found.items() if text}


def recorded(outputs: Mapping[str, Any]) -> dict[str, str]:
    """What a stack's outputs say, or for a stack that did not record it yet, what follows from its images."""
    if FORMATS in outputs:
        return outputs[FORMATS]
    images, volumes = outputs.get("images", {}), outputs.get(VOLUMES, {})
    found = {
        f"{database.NAME}-data": system(str(images.get("database", ""))),
        f"{redis.NAME}-data": _server(str(images.get("redis", ""))),
    }
    return {claim: text for claim, text in found.items() if text and claim in volumes}


def require_same_formats(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ProtectedError where a server of another kind would meet the data."""
    for place, text in now.items():
        known = before.get(place, text)
        if known == text:
            continue
        if text.startswith(_SERVERS):
            _require_newer(place, known, text)
        else:
            raise ProtectedError(
                f"database: the text indexes on {place} are sorted by the C library of {known}, and {text} sorts "
                "otherwise: rows would not be found; nothing was changed. Keep that part of the image's tag, or move "
                "the data: arches upgrade database --to <the same version> --tag <the tag>; of a cluster by a dump and "
                "its restore"
            )


def _server(image: str) -> str | None:
    """`redis 7.4` or `valkey 9.1`, by an image's repository and tag; None if unknown."""
    repository, _, tag = image.partition("@")[0].rpartition(":")
    found = re.match(r"v?(\d+\.\d+)", tag)
    product = next((name for name in ("valkey", "redis") if name in repository.rpartition("/")[2]), None)
    return f"{product} {found[1]}" if product and found else None


def _require_newer(place: str, known: str, text: str) -> None:
    """Raise ProtectedError unless it is the same product in the same or a newer version."""
    (product, old), (other, new) = known.split(), text.split()
    if product == other and _numbers(old) <= _numbers(new):
        return
    raise ProtectedError(
        f"redis.image: the files on {place} were written by {known}, and {text} does not read them; nothing was "
        "changed. Keep the image or take a newer version of it; to begin empty, name a new claim: redis.claimName"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
