"""How long a dump and its restore take: python -m testbed.backups.measure 1 5 20 (sizes in GB).

The rows are like embeddings: a short text, a number and 3 kB that do not compress, in a table with two indexes.
The commands are the rendered ones, on two real servers with checksums and without fsync, all on one machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import time

from archesai_infra.components.backups import scripts
from testbed.backups import postgres_server, rendered, servers

ROW_BYTES = 3300
TABLES = 4
FILL = """CREATE TABLE chunks_{number} AS
SELECT id, 'document ' || (id % 1000) AS title,
  gen_random_bytes(1024) || gen_random_bytes(1024) || gen_random_bytes(1024) || gen_random_bytes(8) AS embedding
FROM generate_series(1, {rows}) AS id;
ALTER TABLE chunks_{number} ADD PRIMARY KEY (id);
CREATE INDEX ON chunks_{number} (title);"""


def measure(gigabytes: float) -> None:
    """Print one line for one size; it takes twice the size on disk, for the first server ends before the second."""
    with servers.place() as home:
        rendered.write_scripts("dump-scripts", home)
        store = home / "volume"
        store.mkdir()
        if os.geteuid() == 0:
            shutil.chown(store, servers.UNPRIVILEGED)
        container = rendered.container("StatefulSet", "archesai-dump", "postgres")
        own = {"SCRIPTS": str(home / "dump-scripts"), "BACKUP_DIR": str(store)}
        own["ADMINISTRATOR_PASSWORD"] = postgres_server.Postgres.password
        variables = rendered.plain_environment(container) | own
        with postgres_server.postgres() as source:
            size = _fill(source, gigabytes)
            dump = _run_timed(rendered.hook("database"), variables | {"DATABASE_URL": source.url})
            load = os.getloadavg()[0]
        file = next(store.glob("database/*/database.dump")).stat().st_size
        with postgres_server.postgres() as target:
            command = scripts.run("restore-database.sh")
            restore = _run_timed(command, variables | {"DATABASE_URL": target.url})
        print(
            f"{size / 1e9:.2f} GB on disk: dump and read back {dump:.0f} s (load average {load:.1f}), "
            f"file {file / 1e9:.2f} GB, restore and count {restore:.0f} s (load average {os.getloadavg()[0]:.1f})",
            flush=True,
        )


def _fill(source: postgres_server.Postgres, gigabytes: float) -> int:
    """Bytes of the database on disk."""
    source.sql("CREATE EXTENSION pgcrypto")
    rows = int(gigabytes * 1e9 / TABLES / ROW_BYTES)
    for number in range(TABLES):
        source.sql(FILL.format(number=number, rows=rows))
    return int(source.sql("SELECT pg_database_size(current_database())"))


def _run_timed(command: list[str], variables: dict[str, str]) -> float:
    """Seconds of a command that succeeds."""
    start = time.monotonic()
    done = servers.call(command, variables, seconds=4 * 3600)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return time.monotonic() - start


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(float(argument))
