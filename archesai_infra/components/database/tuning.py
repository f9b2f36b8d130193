"""Parameters of a PostgreSQL server for its memory and the volume of its write-ahead log."""

from __future__ import annotations

from pydantic import Field

from archesai_infra.model import Model
from archesai_infra.quantities import memory_bytes
from archesai_infra.types import MemoryQuantity, Text


class Postgres(Model):
    """Server settings; what is not set is derived from the memory limit."""

    max_connections: int = Field(default=200, ge=10, le=10000)
    """Most connections at a time."""
    shared_buffers: MemoryQuantity | None = None
    """Cache of the server; a quarter of the memory limit."""
    effective_cache_size: MemoryQuantity | None = None
    """What the planner expects the caches to hold; three quarters of the memory limit."""
    maintenance_work_mem: MemoryQuantity | None = None
    """Memory for index builds and vacuum; a sixteenth of the memory limit."""
    work_mem: MemoryQuantity | None = None
    """Memory of one sort or hash; what is left of the limit, spread over the connections."""
    max_wal_size: MemoryQuantity = "4Gi"
    """Write-ahead log between checkpoints; a quarter of the volume where that is less."""
    parameters: dict[str, Text] = Field(default_factory=dict)
    """Any other server parameter by its PostgreSQL name."""


def tuned(postgres: Postgres, *, memory: int, volume: int) -> dict[str, str]:
    """Server parameters for a memory limit and the volume that holds the log, both in bytes.

    Ratios of the production guide's 8 GB server: buffers 1/4, cache 3/4, maintenance 1/16; the rest of its figures hold
    at any size.
    """
    buffers = memory_bytes(postgres.shared_buffers) if postgres.shared_buffers else memory // 4
    work = max((memory - buffers) // (4 * postgres.max_connections), 64 * 2**10)
    wal = min(memory_bytes(postgres.max_wal_size), volume // 4)
    return {
        "max_connections": str(postgres.max_connections),
        "shared_buffers": megabytes(buffers),
        "effective_cache_size": megabytes(_bytes(postgres.effective_cache_size, memory * 3 // 4)),
        "maintenance_work_mem": megabytes(_bytes(postgres.maintenance_work_mem, memory // 16)),
        "work_mem": f"{_bytes(postgres.work_mem, work) // 2**10}kB",
        "wal_buffers": megabytes(min(16 * 2**20, max(buffers // 32, 2**20))),
        "min_wal_size": megabytes(max(wal // 4, 32 * 2**20)),
        "max_wal_size": megabytes(wal),
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
    }


def _bytes(quantity: str | None, default: int) -> int:
    return memory_bytes(quantity) if quantity else default


def megabytes(count: int) -> str:
    """Bytes as PostgreSQL writes an amount of memory, at least one megabyte."""
    return f"{max(count // 2**20, 1)}MB"
