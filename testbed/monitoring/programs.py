"""The programs of Debian's packages that these tests run; a missing one skips its tests by name."""

from __future__ import annotations

import shutil

import pytest

from testbed.programs import parts

_PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
    "prometheus-node-exporter": "prometheus-node-exporter",
}


def program(name: str) -> str:
    """Path of a program; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        source = f"Debian's package {_PACKAGES[name]}" if name in _PACKAGES else "Debian has no package of it"
        pytest.skip(f"{name} is not on PATH: {source}")
    return found


def exporter(server: str) -> str:
    """The exporter of a server: a newer one under its own name, else Debian's."""
    return shutil.which(f"{server}_exporter") or program(f"prometheus-{server}-exporter")


def knows_tables() -> bool:
    """Whether the exporter of PostgreSQL has statistics of tables; Debian's release is too old for them."""
    return shutil.which("postgres_exporter") is not None


def knows_storage() -> bool:
    """Whether the object storage can be run: MinIO is built from its source."""
    return parts.built("minio") and shutil.which("rclone") is not None
