"""Names of objects whose content decides their name."""

from __future__ import annotations

import hashlib
import json

from archesai_infra.kube.labels import APPLICATION


def object_name(part: str) -> str:
    """`archesai-<part>`."""
    return f"{APPLICATION}-{part}"


def content_name(part: str, content: object) -> str:
    """`archesai-<part>-<digest of content>`: another content is another object, so what refers to it rolls.

    The old object goes only after the new one is in use, and the name is the same on every machine.
    """
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{object_name(part)}-{digest[:8]}"
