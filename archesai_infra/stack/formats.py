"""Which server reads the data on a claim: what wrote it, by the tags of the images, and what must not follow.

PostgreSQL's major version says which files a server reads. Its text indexes are sorted by the C library of the image's
system, and another release of Debian sorts otherwise: rows are then not found, without an error (PostgreSQL's
documentation, "Collation Support"). redis reads the files of older versions and not those of newer ones, and Valkey
reads none that redis wrote since 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archesai_infra import versions
from archesai_infra.components import database, redis
from archesai_infra.components.database.cluster.settings import CLUSTER
from archesai_infra.components.database.major import major, system
from archesai_infra.stack.protection import VOLUMES, ProtectedError
from archesai_infra.stack.settings import Settings

MAJORS = "databaseMajors"
"""The stack's output with the major version of PostgreSQL whose data is on each claim, also on those of before."""
FORMATS = "dataFormats"
"""The stack's output with what wrote the data, such as `Debian bookworm` or `redis 7.4`, by claim or cluster."""
_SERVERS = ("redis ", "valkey ")


def majors(settings: Settings) -> dict[str, str]:
    """Major version of the stack's own servers by the claim or the cluster that holds the data; not where unknown."""
    return _known({place: major(f":{tag}") for place, tag in _databases(settings).items()})


def formats(settings: Settings) -> dict[str, str]:
    """What writes the stack's own data, by the claim or the cluster that holds it; not where the tag is silent."""
    found = {place: system(tag) for place, tag in _databases(settings).items()}
    cache = settings.redis
    if isinstance(cache, redis.ManagedRedis | redis.ReplicatedRedis) and cache.runs_pods:
        place = cache.claim if isinstance(cache, redis.ManagedRedis) else f"{redis.NAME}-replicated"
        found[place] = _server(cache.image.locked_as(cache.default_image))
    return _known(found)


def recorded_majors(outputs: Mapping[str, Any]) -> dict[str, str]:
    """What a stack's outputs say, or for a stack that did not record it yet, what follows from its image."""
    return outputs[MAJORS] if MAJORS in outputs else _of_claims(outputs, {"database": major})


def recorded_formats(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The same for what wrote the data."""
    return outputs[FORMATS] if FORMATS in outputs else _of_claims(outputs, {"database": system, "redis": _server})


def require_readable(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ProtectedError where a server would not read the data on its claim, or a cluster that of its version.

    The operator raises a cluster's major version in place and never lowers it.
    """
    for place, version in now.items():
        known = before.get(place, version)
        if place.startswith(CLUSTER) and int(known) > int(version):
            raise ProtectedError(
                f"database.cluster.image.tag: cluster {place} holds data of PostgreSQL {known}, which version "
                f"{version} does not read; nothing was changed. Keep the tag, or raise it"
            )
        if not place.startswith(CLUSTER) and known != version:
            raise ProtectedError(
                f"database.image.tag: claim {place} holds data of PostgreSQL {known}, which version {version} "
                "does not read; nothing was changed. Keep the tag, and move the data to a new claim: "
                f"arches upgrade database --to {version}"
            )


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


def _databases(settings: Settings) -> dict[str, str]:
    """Tags of the images of the stack's own PostgreSQL, by the claim or the cluster that holds the data."""
    own = settings.database
    found: dict[str, str] = {}
    if isinstance(own, database.ManagedDatabase) and own.runs_pods:
        found[own.claim] = own.tag
    if isinstance(own, database.ClusterDatabase) and own.enabled:
        found[own.cluster.name] = own.cluster.image.tag_or(versions.POSTGRES)
        if own.keeps_single_pod:
            found[own.claim] = own.tag
    if isinstance(own, database.ExternalDatabase) and own.destination is not None:
        found[own.destination.cluster.name] = own.destination.cluster.image.tag_or(versions.POSTGRES)
    return found


def _of_claims(outputs: Mapping[str, Any], judged: Mapping[str, Callable[[str], str | None]]) -> dict[str, str]:
    """What the recorded images of modules tell about the data on their usual claims."""
    claims = {"database": f"{database.NAME}-data", "redis": redis.SINGLE_CLAIM}
    images, volumes = outputs.get("images", {}), outputs.get(VOLUMES, {})
    return _known(
        {claims[name]: judge(str(images.get(name, ""))) for name, judge in judged.items() if claims[name] in volumes}
    )


def _known(found: Mapping[str, str | None]) -> dict[str, str]:
    return {place: text for place, text in found.items() if text}


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
