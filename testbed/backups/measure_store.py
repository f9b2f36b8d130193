"""What the bucket keeps of hourly dumps: python -m testbed.own_network python -m testbed.backups.measure_store 6.

The number is that of the backups. The real Velero copies the dumps of a real PostgreSQL into a real S3 service by its
own repository. Between two backups 1 MB of rows that do not compress is added and twenty of the newest are changed, as
in a stack that takes in documents. What a backup adds follows from the changes, not from the size of the database.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from typer.testing import CliRunner

from archesai_infra.cli.app import app
from testbed.backups import velero_rig

ROWS, ADDED, CHANGED = 20_000, 320, 20
"""Rows at first, 3.2 kB each, and those that an hour adds and changes."""
ADD = """INSERT INTO chunks SELECT id, 'document ' || id,
  (SELECT string_agg(sha512((id::bigint * 100 + n)::text::bytea), '') FROM generate_series(1, 50) AS n)
FROM generate_series((SELECT coalesce(max(id), 0) + 1 FROM chunks), (SELECT coalesce(max(id), 0) + {rows} FROM chunks))
  AS id"""
CHANGE = "UPDATE chunks SET title = title || '.' WHERE id > (SELECT max(id) FROM chunks) - {rows}"


def measure(backups: int) -> None:
    """Print the bytes that each backup adds to the bucket."""
    with velero_rig.running() as rig, TemporaryDirectory() as project:
        (Path(project) / "Pulumi.yaml").write_text("name: archesai\nruntime: python\n")
        config = {f"archesai:{key}": value for key, value in rig.config.items()}
        (Path(project) / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
        os.chdir(project)
        rig.postgres.sql("CREATE TABLE chunks (id int PRIMARY KEY, title text, embedding bytea)")
        rig.postgres.sql(ADD.format(rows=ROWS))
        before = 0
        for number in range(backups + 1):
            done = CliRunner().invoke(app, ["backup", "create", "--wait", "--stack", "prod"])
            if done.exit_code:
                raise RuntimeError(done.output)
            now = _bytes(rig)
            print(
                f"backup {number}: {(now - before) / 1e6:.1f} MB more in the bucket: {done.stdout.strip()}", flush=True
            )
            before = now
            rig.postgres.sql(ADD.format(rows=ADDED))
            rig.postgres.sql(CHANGE.format(rows=CHANGED))
        os.chdir("/")


def _bytes(rig: velero_rig.Rig) -> int:
    """Bytes of all objects in the bucket."""
    listed = rig.store.rclone("lsf", "--recursive", "--format", "s", f"s3:{velero_rig.BUCKET}").stdout.split()
    return sum(int(size) for size in listed if int(size) > 0)


if __name__ == "__main__":
    measure(int(sys.argv[1]))
