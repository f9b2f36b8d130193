"""How long a dump and its restore take: python -m tests.backups.measure 1 5 20 (sizes in GB).

The rows are like embeddings: a short text, a number and 3 kB that do not compress, in a table with two indexes.
The commands are the rendered ones, on two real servers with checksums and without fsync, all on one machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import time

from archesai_infra.components.backups import scripts
from tests.backups import rendered, servers

ROW_BYTES = 3300
TABLES = 4
FILL = """CREATE TABLE chunks_{number} AS
SELECT id, 'document ' || (id % 1000) AS title,
  (SELECT string_agg(uuid_send(gen_random_uuid()), '') FROM generate_series(1, 192 + (id % 2)::int)) AS embedding
FROM generate_series(1, {rows}) AS id;
ALTER TABLE chunks_{number} ADD PRIMARY KEY (id);
CREATE INDEX ON chunks_{number} (title);"""


def measure(gigabytes: float) -> None:
    """Print one line for one size."""
    with servers.postgres() as source, servers.postgres() as target, servers.place() as home:
        rows = int(gigabytes * 1e9 / TABLES / ROW_BYTES)
        for number in range(TABLES):
            _timed(lambda number=number: source.sql(FILL.format(number=number, rows=rows)))
        size = int(source.sql("SELECT pg_database_size(current_database())"))
        rendered.write_scripts("dump-scripts", home)
        store = home / "volume"
        store.mkdir()
        if os.geteuid() == 0:
            shutil.chown(store, servers.UNPRIVILEGED)
        container = rendered.container("StatefulSet", "archesai-dump", "postgres")
        variables = rendered.plain_environment(container) | {
            "SCRIPTS": str(home / "dump-scripts"),
            "BACKUP_DIR": str(store),
            "DATABASE_URL": source.url,
        }
        dump = _timed(lambda: _run(rendered.hook("database"), variables))
        file = next(store.glob("database/*/database.dump")).stat().st_size
        restore = _run_timed(scripts.run("restore-database.sh"), variables | {"DATABASE_URL": target.url})
        print(
            f"{size / 1e9:.2f} GB on disk: dump and read back {dump:.0f} s, file {file / 1e9:.2f} GB, "
            f"restore and count {restore:.0f} s; load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def _run_timed(command: list[str], variables: dict[str, str]) -> float:
    return _timed(lambda: _run(command, variables))


def _run(command: list[str], variables: dict[str, str]) -> None:
    done = servers.call(command, variables, seconds=4 * 3600)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _timed(work: object) -> float:
    start = time.monotonic()
    if callable(work):
        work()
    return time.monotonic() - start


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(float(argument))
