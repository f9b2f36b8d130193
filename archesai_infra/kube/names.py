"""Names of objects whose content decides their name."""

from __future__ import annotations

import hashlib
import json
import re

from archesai_infra.kube.labels import APPLICATION

_DIGITS = 8
"""Hexadecimal digits of a digest in a name."""
CONTENT_NAME = re.compile(rf"^({APPLICATION}-[-a-z0-9]+)-[0-9a-f]{{{_DIGITS}}}$")
"""A `content_name`, and what comes before its digest."""


def object_name(part: str) -> str:
    """`archesai-<part>`."""
    return f"{APPLICATION}-{part}"


def content_name(part: str, content: object) -> str:
    """`archesai-<part>-<digest of content>`: another content is another object, so what refers to it rolls.

    The old object goes only after the new one is in use, and the name is the same on every machine.
    """
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{object_name(part)}-{digest[:_DIGITS]}"


def content_digest(name: str) -> str:
    """The digest at the end of a `content_name`."""
    return name[-_DIGITS:]


def without_digest(identity: str, name: str) -> str:
    """What the revisions of an object that is named by its content have in common; other objects' own identity.

    Args:
        identity: The logical name, or the URN, which ends in it.
        name: Name in the cluster.
    """
    return identity.removesuffix(f"-{content_digest(name)}") if CONTENT_NAME.match(name) else identity
