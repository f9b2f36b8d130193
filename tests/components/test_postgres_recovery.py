"""Recovery to a point in time on real servers: a base backup, the archived log, and the content compared."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from testbed.backups import servers
from testbed.controlplane.ports import free_ports
from testbed.replication.instances import DATABASE, Instance
from testbed.replication.programs import postgres_programs

pytestmark = pytest.mark.long

FILL = """INSERT INTO documents SELECT id, 'document ' || id, ARRAY[id, id + 1, id + 2]::vector
FROM generate_series({first}, {last}) AS id"""
CONTENT = "SELECT count(*), max(id), md5(string_agg(id || title || embedding::text, '' ORDER BY id)) FROM documents"
_NOW = "SELECT clock_timestamp()"


class Archived:
    """A server that archives its log, and what its archive holds."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self.directory = directory
        self.server = Instance("live", directory, free_ports(1)[0], programs)
        self.log = directory / "archive"

    def start(self) -> None:
        self.server.run("mkdir", str(self.log))
        command = f"test ! -f {self.log}/%f && cp %p {self.log}/%f"
        self.server.initialize({"wal_level": "logical", "archive_mode": "on", "archive_command": command})
        self.server.start()
        self.server.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        self.server.sql("CREATE EXTENSION vector")
        self.server.sql("CREATE TABLE documents (id bigint PRIMARY KEY, title text, embedding vector(3))")

    def base_backup(self) -> None:
        self.server.run("pg_basebackup", "-D", str(self.directory / "base"), "-d", self.server.conninfo,
                        "-X", "none", "--checkpoint=fast", "--no-sync", "--no-manifest")  # fmt: skip

    def archive_all(self) -> None:
        """Have the segment that is being written archived, as `archive_timeout` does."""
        segment = self.server.sql("SELECT pg_walfile_name(pg_switch_wal())")
        servers.until((self.log / segment).exists, "the archive")

    def recovered(self, name: str, moment: str) -> Instance:
        """A new server of the base backup and the log up to a time; it has not been started."""
        new = Instance(name, self.directory, free_ports(1)[0], self.server.programs)
        new.run("cp", "-a", str(self.directory / "base"), str(new.data))
        new.configure(
            {
                "restore_command": f"cp {self.log}/%f %p",
                "recovery_target_time": moment,
                "recovery_target_action": "promote",
                "archive_mode": "off",
            }
        )
        new.run("touch", str(new.data / "recovery.signal"))
        return new


@pytest.fixture
def archived() -> Generator[Archived]:
    with postgres_programs(16) as programs, servers.place(servers.SERVER_USER) as directory:
        made = Archived(directory, programs)
        try:
            made.start()
            yield made
        finally:
            made.server.stop()


def test_a_recovery_has_the_content_of_its_moment_and_leaves_the_old_server_alone(archived: Archived) -> None:
    live = archived.server
    live.sql(FILL.format(first=1, last=2000))
    archived.base_backup()
    live.sql(FILL.format(first=2001, last=4000))
    before, moment = live.sql(CONTENT), live.sql(_NOW)
    time.sleep(0.1)
    live.sql("DELETE FROM documents WHERE id % 2 = 0")
    live.sql(FILL.format(first=4001, last=4100))
    archived.archive_all()
    new = archived.recovered("recovered", moment)
    try:
        new.start()
        servers.until(lambda: new.sql("SELECT pg_is_in_recovery()") == "f", "the recovery")
        assert new.sql(CONTENT) == before
        # What is written from now on is of another timeline, which an archive of the old name would mix with its own.
        new.sql(FILL.format(first=9001, last=9001))
        assert new.sql("SELECT timeline_id FROM pg_control_checkpoint()") == "2"
    finally:
        new.stop()
    assert live.sql("SELECT count(*) FROM documents") == "2100"
    assert live.sql("SELECT timeline_id FROM pg_control_checkpoint()") == "1"


def test_a_moment_that_is_not_archived_yet_cannot_be_recovered(archived: Archived) -> None:
    live = archived.server
    archived.base_backup()
    live.sql(FILL.format(first=1, last=100))
    archived.archive_all()
    time.sleep(0.1)
    new = archived.recovered("too-late", live.sql("SELECT clock_timestamp() + interval '1 hour'"))
    new.start(wait=False)
    text = "recovery ended before configured recovery target was reached"
    servers.until(lambda: new.log.exists() and text in new.log.read_text(encoding="utf-8"), "the refusal")
