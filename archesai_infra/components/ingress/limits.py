"""What the way in allows one client and one request."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archesai_infra.model import Model

BODY_SIZE = "50Mi"
"""Largest request body where the stack file names none."""


class RateLimit(Model):
    """Requests that one client address may make to one host."""

    requests_per_second: int = Field(default=10, ge=1)
    """Sustained rate."""
    burst: int = Field(default=20, ge=1)
    """Requests at once above that rate; for class nginx a multiple of `requestsPerSecond`."""
    hosts: tuple[Literal["api", "grafana"], ...] = ("api",)
    """Hosts that it is for, each counted by itself. A page with its files and an S3 client make dozens of requests at
    once, so that the platform and the storage are never limited."""


class Timeouts(Model):
    """Limits in time; uploads, long answers of models and idle WebSockets live within them."""

    connect: int = Field(default=10, ge=1)
    """To connect to a pod, in seconds; for class nginx."""
    send: int = Field(default=3600, ge=1)
    """Between two writes to a pod, in seconds; for class nginx."""
    read: int = Field(default=3600, ge=1)
    """Between two reads from a pod, in seconds; for class nginx. A WebSocket that is idle for longer is closed."""
    request: int = Field(default=600, ge=1)
    """To receive a whole request with its body, in seconds; by the controller that the stack installs."""
