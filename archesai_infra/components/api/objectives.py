"""What the api promises its clients."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from archesai_infra.components.base.watch.requests import LATENCY_BUCKETS
from archesai_infra.model import Model


class Objectives(Model):
    """The api's service level objectives, over 30 days."""

    availability: float = Field(default=99.9, ge=90, lt=100)
    """Requests that do not end in a server error, in percent."""
    latency: float = Field(default=99, ge=50, lt=100)
    """Requests answered within `latencySeconds`, in percent."""
    latency_seconds: float = 1
    """Bound of a good answer, in seconds; one of the bounds of the api's histogram."""

    @model_validator(mode="after")
    def _bucket(self) -> Self:
        if self.latency_seconds not in LATENCY_BUCKETS:
            bounds = ", ".join(f"{bound:g}" for bound in LATENCY_BUCKETS)
            raise ValueError(f"latencySeconds must be one of {bounds} (got {self.latency_seconds:g})")
        return self
