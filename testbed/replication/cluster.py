"""A primary and its standbys, with the failover that an operator carries out."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.backups import servers
from testbed.controlplane.ports import free_ports
from testbed.replication.instances import DATABASE, Instance, slot_name

NAMES = ("db-1", "db-2", "db-3")
SYNCHRONOUS = "ANY 1 ({})".format(",".join(f'"{name}"' for name in NAMES))
"""`synchronous_standby_names` as the operator writes it for method any, number 1: every instance, the primary too."""


@dataclass
class Cluster:
    """Three servers, of which one takes writes."""

    instances: list[Instance]
    primary: Instance = field(init=False)

    def __post_init__(self) -> None:
        self.primary = self.instances[0]

    @property
    def standbys(self) -> list[Instance]:
        """All but the primary."""
        return [instance for instance in self.instances if instance is not self.primary]

    def start(self, parameters: Mapping[str, str]) -> None:
        """Make the primary, its database and its standbys; returns when all of them stream."""
        self.primary.initialize(parameters)
        self.primary.start()
        # Nobody confirms a commit yet.
        local = "SET synchronous_commit = local;\n"
        self.primary.sql(f"{local}CREATE DATABASE {DATABASE};", database="postgres")
        self.primary.sql(f"{local}CREATE EXTENSION vector;")
        for standby in self.standbys:
            standby.clone(self.primary)
            standby.start()
        self.wait_for_standbys()

    def wait_for_standbys(self) -> None:
        """Wait until every standby streams and the next commit can be confirmed."""
        count = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        servers.until(lambda: self.primary.sql(count) == str(len(self.standbys)), "streaming")

    def fail_over(self) -> None:
        """Promote the standby that received most, as the operator does, and have the other follow it."""
        received = "SELECT pg_last_wal_receive_lsn() - '0/0'"
        best = max(self.standbys, key=lambda standby: int(standby.sql(received)))
        lost, self.primary = self.primary, best
        best.sql("SELECT pg_promote()")
        for standby in self.standbys:
            if standby is not lost:
                self._follow(standby)

    def _follow(self, standby: Instance) -> None:
        name = slot_name(standby.name)
        self.primary.sql(f"SELECT pg_create_physical_replication_slot('{name}')")
        standby.configure({"primary_conninfo": f"{self.primary.conninfo} application_name={standby.name}"})
        # pg_basebackup's own line is in this file, which is read last.
        (standby.data / "postgresql.auto.conf").write_text(f"primary_slot_name = '{name}'\n", encoding="utf-8")
        standby.sql("SELECT pg_reload_conf()")

    def replace(self, lost: Instance) -> None:
        """Clone a server that was lost from the present primary."""
        lost.remove()
        lost.clone(self.primary)
        lost.start()
        self.wait_for_standbys()


@contextmanager
def cut_off(standby: Instance, source: Instance) -> Generator[None]:
    """A standby that receives nothing for the time of the block, and what it had received is known to the primary."""
    back = standby.sql("SELECT format('ALTER SYSTEM SET primary_conninfo = %L', current_setting('primary_conninfo'))")
    standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
    standby.sql("SELECT pg_reload_conf()")
    receivers = "SELECT application_name FROM pg_stat_replication"
    servers.until(lambda: standby.name not in source.sql(receivers).splitlines(), "the end of the standby's connection")
    try:
        yield
    finally:
        standby.sql(back)
        standby.sql("SELECT pg_reload_conf()")


@contextmanager
def cluster(programs: Path, parameters: Mapping[str, str]) -> Generator[Cluster]:
    """A running cluster with an empty database."""
    with servers.place(servers.SERVER_USER) as directory:
        ports = free_ports(len(NAMES))
        instances = [Instance(name, directory, port, programs) for name, port in zip(NAMES, ports, strict=True)]
        made = Cluster(instances)
        try:
            made.start(parameters)
            yield made
        finally:
            for instance in instances:
                instance.stop()
