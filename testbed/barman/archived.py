"""A PostgreSQL server that Barman's programs archive into a bucket, as the plugin has them do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testbed.backups import servers
from testbed.backups.object_store import ObjectStore
from testbed.barman.programs import search_path
from testbed.replication.instances import DATABASE, Instance

BUCKET = "archive"
NAME = "archesai-db-1-1"
READER = "archesai_dump"
"""Role that reads everything and changes nothing."""


@dataclass
class Archived:
    """A server, its bucket, and the programs that write there."""

    server: Instance
    store: ObjectStore
    barman: Path

    @property
    def destination(self) -> str:
        """Where the archive lies."""
        return f"s3://{BUCKET}/postgres/"

    @property
    def url(self) -> str:
        """The URL that the drill reads the live server by."""
        return f"postgresql://{READER}@127.0.0.1:{self.server.port}/{DATABASE}?sslmode=disable"

    @property
    def variables(self) -> dict[str, str]:
        """Environment of Barman's programs."""
        return {
            "PATH": search_path(self.barman, self.server.programs),
            "AWS_ACCESS_KEY_ID": self.store.access_key,
            "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def _where(self) -> list[str]:
        return ["--cloud-provider", "aws-s3", "--endpoint-url", self.store.url]

    @property
    def archive_command(self) -> str:
        """The command by which the server archives a file of its log."""
        program = " ".join([str(self.barman / "barman-cloud-wal-archive"), *self._where, "--gzip"])
        keys = " ".join(f"{key}={value}" for key, value in self.variables.items() if key.startswith("AWS_"))
        return f"env {keys} {program} {self.destination} {NAME} %p"

    def start(self) -> None:
        """Make the server, its bucket and its roles."""
        assert self.store.rclone("mkdir", f"s3:{BUCKET}").returncode == 0
        settings = {"wal_level": "logical", "archive_mode": "on"}
        self.server.initialize(settings | {"archive_command": self.archive_command})
        self.server.start()
        self.server.sql(f"CREATE DATABASE {DATABASE}; CREATE ROLE {READER} LOGIN IN ROLE pg_read_all_data",
                        database="postgres")  # fmt: skip

    def base_backup(self) -> None:
        """Make a base backup, as the plugin does."""
        command = ["barman-cloud-backup", *self._where, "--gzip", "--immediate-checkpoint", "-d",
                   f"{self.server.conninfo} dbname=postgres", self.destination, NAME]  # fmt: skip
        done = servers.call(command, self.variables, seconds=300, user=servers.SERVER_USER)
        assert done.returncode == 0, done.stderr

    def copy(self, bucket: str, *excluded: str) -> str:
        """Another bucket with the archive, without some of its objects."""
        words = [word for pattern in excluded for word in ("--exclude", pattern)]
        copied = self.store.rclone("sync", *words, f"s3:{BUCKET}", f"s3:{bucket}")
        assert copied.returncode == 0, copied.stderr
        return self.destination.replace(BUCKET, bucket)
