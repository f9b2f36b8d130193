"""The PostgreSQL server: its parameters, environment and probes."""

from __future__ import annotations

import shlex

from archesai_infra.components.database.settings import PASSWORD_KEY, PORT, ManagedDatabase
from archesai_infra.kube.pods import (
    Probes,
    exec_probe,
    tcp_probe,
)
from archesai_infra.quantities import memory_bytes

PACKAGE = "archesai_infra.components.database"
"""Where the scripts are."""
MOUNT_PATH = "/var/lib/postgresql/data"
SECRETS_PATH = "/run/secrets/archesai"
SCRIPTS_PATH = "/etc/archesai"
SOCKETS_PATH = "/var/run/postgresql"
GRACE_SECONDS = 120
"""A fast shutdown writes a checkpoint; the image's own authors find 90 s can be too little."""


def parameters(settings: ManagedDatabase) -> dict[str, str]:
    """Server parameters for the memory limit and volume; explicit settings win.

    Ratios of the production guide's 8 GB server: buffers 1/4, cache 3/4, maintenance 1/16; the rest of its figures hold
    at any size.
    """
    postgres = settings.postgres
    limit = memory_bytes(settings.resources.limits.memory)
    volume = memory_bytes(settings.size)
    buffers = memory_bytes(postgres.shared_buffers) if postgres.shared_buffers else limit // 4
    work = max((limit - buffers) // (4 * postgres.max_connections), 64 * 2**10)
    wal = min(memory_bytes(postgres.max_wal_size), volume // 4)
    derived = {
        "max_connections": str(postgres.max_connections),
        "shared_buffers": _megabytes(buffers),
        "effective_cache_size": _megabytes(_bytes(postgres.effective_cache_size, limit * 3 // 4)),
        "maintenance_work_mem": _megabytes(_bytes(postgres.maintenance_work_mem, limit // 16)),
        "work_mem": f"{_bytes(postgres.work_mem, work) // 2**10}kB",
        "wal_buffers": _megabytes(min(16 * 2**20, max(buffers // 32, 2**20))),
        "min_wal_size": _megabytes(max(wal // 4, 32 * 2**20)),
        "max_wal_size": _megabytes(wal),
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "shared_preload_libraries": "pg_stat_statements",
        "password_encryption": "scram-sha-256",
    }
    return derived | dict(postgres.parameters)


def _bytes(quantity: str | None, default: int) -> int:
    return memory_bytes(quantity) if quantity else default


def _megabytes(count: int) -> str:
    return f"{max(count // 2**20, 1)}MB"


def server_environment(settings: ManagedDatabase) -> dict[str, str]:
    """Environment of the server's container, which hooks and probes share.

    PGDATA is a directory below the mount: PostgreSQL refuses one whose mode the kubelet widened for the group.
    """
    return {
        "POSTGRES_USER": settings.user,
        "POSTGRES_DB": settings.name,
        "POSTGRES_PASSWORD_FILE": f"{SECRETS_PATH}/{PASSWORD_KEY}",
        "POSTGRES_INITDB_ARGS": "--data-checksums",
        "PGDATA": f"{MOUNT_PATH}/pgdata",
        "PGSOCKETS": SOCKETS_PATH,
    }


def probes(settings: ManagedDatabase) -> Probes:
    """Startup waits an hour for recovery; liveness never asks the database itself."""
    # 127.0.0.1: during the first initialisation a temporary server answers on the socket only.
    ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", settings.user, "-d", settings.name]
    started = f"{shlex.join(ready)} && [ -e {SOCKETS_PATH}/roles ]"
    return Probes(
        # Consumers log in as roles that the server makes when it has started.
        startup=exec_probe(["/bin/sh", "-c", started], period=2, failures=1800),
        readiness=exec_probe(ready, period=10, failures=3),
        liveness=tcp_probe(PORT, period=10, failures=6),
    )
