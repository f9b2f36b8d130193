"""The PostgreSQL server: its parameters, environment and probes."""

from __future__ import annotations

import shlex

from archesai_infra.components.base.certificates import SERVER_PATH
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.components.database.settings import PASSWORD_KEY, PORT, DatabasePod
from archesai_infra.components.database.tls import settings_of, tls_parameters
from archesai_infra.components.database.tuning import tuned
from archesai_infra.kube.probes import Probes, exec_probe, tcp_probe
from archesai_infra.quantities import memory_bytes

PACKAGE = "archesai_infra.components.database"
"""Where the scripts are."""
MOUNT_PATH = "/var/lib/postgresql/data"
SECRETS_PATH = "/run/secrets/archesai"
SCRIPTS_PATH = "/etc/archesai"
SOCKETS_PATH = "/var/run/postgresql"
GRACE_SECONDS = 120
"""A fast shutdown writes a checkpoint; the image's own authors find 90 s can be too little."""


def parameters(settings: DatabasePod) -> dict[str, str]:
    """Server parameters for the memory limit and volume; explicit settings win."""
    memory, volume = memory_bytes(settings.resources.limits.memory), memory_bytes(settings.size)
    own = {"shared_preload_libraries": "pg_stat_statements", "password_encryption": "scram-sha-256"}
    own |= tls_parameters(settings, SCRIPTS_PATH)
    return tuned(settings.postgres, memory=memory, volume=volume) | own | dict(settings.postgres.parameters)


def server_environment(settings: DatabasePod) -> dict[str, str]:
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
        # For clients in the server's pod, and in the one that an upgrade makes like it.
        **({"PGSSLROOTCERT": f"{SERVER_PATH}/{CA_FILE}"} if settings_of(settings) else {}),
    }


def probes(settings: DatabasePod) -> Probes:
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
