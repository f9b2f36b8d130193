"""What the way in allows one client and one request."""

from __future__ import annotations

from pydantic import Field

from archesai_infra.model import Model

EXPRESSED = {"body_size": ("nginx", "traefik"), "rate_limit": ("nginx", "traefik"), "timeouts": ("nginx",)}
"""Settings that not every class has words for, and those that have."""


class RateLimit(Model):
    """Requests that one client address may make."""

    requests_per_second: int = Field(default=10, ge=1)
    """Sustained rate."""
    burst: int = Field(default=20, ge=1)
    """Requests at once above that rate."""


class Timeouts(Model):
    """Patience with the pods behind the controller."""

    connect: int = Field(default=10, ge=1)
    """To connect, in seconds."""
    send: int = Field(default=30, ge=1)
    """Between two writes, in seconds."""
    read: int = Field(default=30, ge=1)
    """Between two reads, in seconds."""
