"""The drill of the archive: the rendered CronJob's containers on what Barman's programs archived of a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.archive_drill import NAME
from testbed.backups import servers
from testbed.backups.object_store import object_store
from testbed.barman.archived import Archived
from testbed.barman.programs import barman_programs, search_path
from testbed.controlplane.ports import free_ports
from testbed.matrix import MATRIX
from testbed.replication.instances import Instance
from testbed.stacks import find, render

pytestmark = pytest.mark.long

FILL = "INSERT INTO documents SELECT n, 'document ' || n FROM generate_series({first}, {last}) AS n"
FINISHED = "indexes are whole"


class ArchiveDrill:
    """The pod of one run, with its volumes."""

    def __init__(self, archived: Archived, directory: Path) -> None:
        evaluation = render(MATRIX["database cluster with a drill of its archive"])
        spec = find(evaluation, "CronJob", NAME)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        self.containers = {one["name"]: one for one in [*spec["initContainers"], *spec["containers"]]}
        (name,) = [one["configMap"]["name"] for one in spec["volumes"] if "configMap" in one]
        self.archived, self.directory = archived, directory
        self.scripts, self.scratch = directory / "scripts", directory / "scratch"
        for path in (self.scripts, self.scratch):
            path.mkdir()
        servers.hand_over(self.scratch, 0o770)
        for file, text in find(evaluation, "ConfigMap", name)["data"].items():
            (self.scripts / file).write_text(text, encoding="utf-8")
            (self.scripts / file).chmod(0o444)

    def variables(self, container: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, str]:
        """A container's environment on this machine; secrets reach only those that name them."""
        archived = self.archived
        secret = {"DATABASE_URL": archived.url} | archived.variables
        named = {item["name"] for item in container["env"] if "valueFrom" in item}
        plain = {item["name"]: item["value"] for item in container["env"] if "value" in item}
        own = {"SCRIPTS": str(self.scripts), "SCRATCH": str(self.scratch), "PAUSE": "0.2"}
        own["PATH"] = search_path(archived.barman)
        if "ARCHIVE" in plain:
            own |= {"ARCHIVE": archived.destination, "ENDPOINT": archived.store.url}
        return plain | {name: secret[name] for name in named} | own | dict(more)

    def command(self, container: Mapping[str, Any]) -> list[str]:
        """A container's command with the place of its scripts on this machine."""
        return [word.replace(scripts.PATH, str(self.scripts)) for word in container["command"]]

    def run(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        container = self.containers[name]
        return servers.call(self.command(container), self.variables(container, more), seconds=300)

    def recover(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the drill's own container beside the one that brings the log."""
        beside = self.containers["log"]
        variables = self.variables(beside, more)
        with servers.running(self.command(beside), variables, self.directory / "log.txt") as process:
            done = self.run("archive-drill")
            process.terminate()
            assert process.wait(30) == 0
        return done


@pytest.fixture(scope="module")
def archived() -> Iterator[Archived]:
    servers.needs("pg_amcheck", "initdb")
    found = servers.postgres_directory()
    assert found is not None
    with barman_programs() as barman, object_store() as store, servers.place(servers.SERVER_USER) as directory:
        made = Archived(Instance("live", directory, free_ports(1)[0], found), store, barman)
        try:
            made.start()
            made.server.sql("CREATE TABLE documents (id bigint PRIMARY KEY, title text)")
            made.server.sql(FILL.format(first=1, last=1000))
            made.base_backup()
            yield made
        finally:
            made.server.stop()


@pytest.fixture
def drill(archived: Archived) -> Iterator[ArchiveDrill]:
    with servers.place() as directory:
        directory.chmod(0o755)
        yield ArchiveDrill(archived, directory)


def brought(drill: ArchiveDrill) -> None:
    """Run the containers before the drill's own; the server archives at once, as it does after `archive_timeout`."""
    assert drill.run("mark").returncode == 0
    drill.archived.server.sql("SELECT pg_switch_wal()")
    done = drill.run("base")
    assert done.returncode == 0, done.stderr


def test_what_was_written_since_the_base_backup_is_recovered_over_a_failover_and_nothing_stays_behind(
    drill: ArchiveDrill,
) -> None:
    live = drill.archived.server
    live.stop("fast")
    live.run("touch", str(live.data / "standby.signal"))
    live.start()
    live.sql("SELECT pg_promote()")
    live.sql('CREATE TABLE IF NOT EXISTS "Later" (id int); INSERT INTO "Later" VALUES (1)')
    rows = int(live.sql('SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM "Later")'))
    brought(drill)
    live.sql('INSERT INTO "Later" VALUES (2)')
    done = drill.recover()
    assert done.returncode == 0, done.stderr
    assert f"2 tables, {rows} rows, {FINISHED}" in done.stdout
    assert not (drill.scratch / "data").exists()


def test_an_archive_that_takes_no_log_fails_it(drill: ArchiveDrill) -> None:
    live = drill.archived.server
    live.configure({"archive_command": "false"})
    live.sql("SELECT pg_reload_conf()")
    try:
        # A file that was taken before may still be on its way.
        live.sql("SELECT pg_switch_wal()")
        servers.until(lambda: live.sql("SELECT failed_count > 0 FROM pg_stat_archiver") == "t", "the failure")
        assert drill.run("mark").returncode == 0
        done = drill.run("base", MAX_AGE="1")
    finally:
        live.configure({"archive_command": drill.archived.archive_command})
        live.sql("SELECT pg_reload_conf()")
    assert done.returncode == 1
    assert "of the log, written 1 s ago, is not in the archive" in done.stderr


def test_a_file_of_the_log_or_a_base_backup_that_is_gone_fails_it(drill: ArchiveDrill) -> None:
    live = drill.archived.server
    live.sql("INSERT INTO documents SELECT max(id) + 1, 'in a file that is lost' FROM documents")
    segment = live.sql("SELECT pg_walfile_name(pg_switch_wal())")
    brought(drill)
    incomplete = drill.archived.copy("incomplete", f"{segment}.gz", "base/**")
    done = drill.recover(ARCHIVE=incomplete)
    assert done.returncode == 65
    assert "drill: the archive does not lead to" in done.stderr
    assert FINISHED not in done.stdout
    done = drill.run("base", ARCHIVE=incomplete)
    assert (done.returncode, done.stderr.strip()) == (1, "drill: the archive holds no base backup")


def test_a_table_that_does_not_come_back_fails_it(drill: ArchiveDrill) -> None:
    brought(drill)
    with (drill.scratch / "mark/tables").open("a", encoding="utf-8") as file:
        file.write("public.lost\n")
    done = drill.recover()
    assert done.returncode == 65
    assert "public.lost" in done.stderr
