"""How long writers wait for an upgrade of the database: python -m testbed.backups.measure_upgrade 1 5 (sizes in GB).

From 16 to 18, by the command's own script, by rows of 3 kB that do not compress; one machine runs both servers.
"""

from __future__ import annotations

import os
import re
import sys

from testbed.backups.measure import ROW_BYTES, TABLES
from testbed.backups.upgrade import shutdown, upgradable
from testbed.replication.programs import postgres_programs

FILL = """CREATE TABLE chunks_{number} AS SELECT id, 'document ' || (id % 1000) AS title,
  (SELECT string_agg(sha512((id::bigint * 100 + n)::text::bytea), '') FROM generate_series(1, 50) AS n) AS embedding
FROM generate_series(1, {rows}) AS id;
ALTER TABLE chunks_{number} ADD PRIMARY KEY (id);
CREATE INDEX ON chunks_{number} (title);"""
"""Rows like those of `testbed.backups.measure`, without an extension: the wheels have none of PostgreSQL's own."""


def measure(gigabytes: float) -> None:
    """Print one line for one size; it takes three times the size on disk."""
    with postgres_programs(16) as older, postgres_programs(18) as newer, upgradable(older, newer) as upgrade:
        rows = int(gigabytes * 1e9 / TABLES / ROW_BYTES)
        for number in range(TABLES):
            upgrade.old.sql(FILL.format(number=number, rows=rows))
        size = int(upgrade.old.sql("SELECT pg_database_size(current_database())"))
        with upgrade.copied() as process:
            shutdown(upgrade.old)
            process.wait()
        found = re.search(r"complete after (\d+) s", upgrade.log.read_text())
        assert found is not None, upgrade.log.read_text()
        print(f"{size / 1e9:.2f} GB on disk: {found[1]} s (load average {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(float(argument))
