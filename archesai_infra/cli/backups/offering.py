"""Names of backups for the shell's completion, as far as the cluster answers at once."""

from __future__ import annotations

import threading

from archesai_infra.cli.backups.store import open_store
from archesai_infra.cli.base.failures import Caught

SECONDS = 2
"""Time that the cluster has to answer: a person waits for the shell."""
LATEST = "latest"


def backup_names(stack: str, incomplete: str) -> list[str]:
    """`latest` and the stack's backups, the newest first; only `latest` where the cluster does not answer in time."""
    names = [LATEST]

    def ask() -> None:
        # The shell has no place for an error.
        with Caught(), open_store(stack) as store:
            names.extend(str(backup["metadata"]["name"]) for backup in store.backups())

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return [name for name in names if name.startswith(incomplete)]
