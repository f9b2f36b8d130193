"""The programs of Debian's packages that these tests run; a missing one skips its tests by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

_PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "redis-server": "redis-server",
    "initdb": "postgresql",
    "postgres": "postgresql",
    "psql": "postgresql-client",
}


def program(name: str) -> str:
    """Path of a program; skips the test where it is not installed."""
    found = shutil.which(name) or _beside_postgres(name)
    if found is None:
        pytest.skip(f"{name} is not on PATH (Debian package {_PACKAGES.get(name, name)})")
    return found


def _beside_postgres(name: str) -> str | None:
    """Debian keeps the server's programs of each version in a directory of their own."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else None


def exporter(server: str) -> str:
    """The exporter of a server: a newer one under its own name, else Debian's."""
    return shutil.which(f"{server}_exporter") or program(f"prometheus-{server}-exporter")


def knows_tables() -> bool:
    """Whether the exporter of PostgreSQL has statistics of tables; Debian's release is too old for them."""
    return shutil.which("postgres_exporter") is not None
