"""What a failover may lose, on real servers: a killed primary under writers, with the parameters of a Cluster.

An operator's own times are not in it: the standby is promoted at once, so the gap is that of server, pooler and client.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from testbed.replication.address import address, pooler
from testbed.replication.cluster import SYNCHRONOUS, cluster, cut_off
from testbed.replication.fixtures import programs
from testbed.replication.writers import CLIENTS, CREATE, wait_for_writes, writing

__all__ = ["programs"]

pytestmark = pytest.mark.long
_LOG = logging.getLogger(__name__)

RUNS = int(os.environ.get("ARCHESAI_FAILOVERS", "2"))
"""How often the primary is killed; `ARCHESAI_FAILOVERS=10` gives the figures of the documentation."""
OPERATOR = {
    "wal_level": "logical",
    "wal_log_hints": "on",
    "wal_keep_size": "512MB",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "max_replication_slots": "32",
    "max_worker_processes": "32",
}
"""What the operator sets by itself, of what replication depends on."""


def test_no_acknowledged_write_is_missing_after_the_primary_is_killed(programs: Path) -> None:
    with cluster(programs, {**OPERATOR, "synchronous_standby_names": SYNCHRONOUS}) as servers:
        servers.primary.sql(CREATE)
        acknowledged, gaps = 0, list[float]()
        with address(servers.primary) as service, pooler(service, {"server_login_retry": "1"}) as port:
            for _ in range(RUNS):
                servers.primary.sql("TRUNCATE writes")
                lost = servers.primary
                with writing(port, programs) as writers:
                    wait_for_writes(writers)
                    lost.kill()
                    servers.fail_over()
                    service.lead_to(servers.primary)
                    wait_for_writes(writers)
                assert writers.failures, "the kill met no statement"
                assert not writers.missing(servers.primary)
                acknowledged += len(writers.acknowledged)
                gaps.append(writers.longest_gap)
                servers.replace(lost)
    _LOG.info("%d acknowledged in %d runs, 0 missing, longest gap %.1f s", acknowledged, RUNS, max(gaps))


def test_a_write_is_acknowledged_only_when_a_standby_has_it(programs: Path) -> None:
    with cluster(programs, {**OPERATOR, "synchronous_standby_names": SYNCHRONOUS}) as servers, ExitStack() as stalled:
        servers.primary.sql(CREATE)
        late, later = servers.standbys
        with writing(servers.primary.port, programs) as before:
            wait_for_writes(before)
            stalled.enter_context(cut_off(late, servers.primary))
            wait_for_writes(before)
        with ExitStack() as alone:
            alone.enter_context(cut_off(later, servers.primary))
            # No standby receives anything when the first of these statements begins.
            writers = alone.enter_context(writing(servers.primary.port, programs, first=CLIENTS))
            writers.wait_for_standby(servers.primary)
            assert not writers.acknowledged, "written without a standby"
        with writing(servers.primary.port, programs, first=2 * CLIENTS) as after:
            wait_for_writes(after)
            servers.primary.kill()
        stalled.close()
        servers.fail_over()
        assert servers.primary is later
        assert not before.missing(servers.primary) | after.missing(servers.primary)


def test_without_synchronous_standbys_acknowledged_writes_are_lost(programs: Path) -> None:
    with cluster(programs, OPERATOR) as servers, ExitStack() as stalled:
        servers.primary.sql(CREATE)
        with writing(servers.primary.port, programs) as writers:
            wait_for_writes(writers)
            for standby in servers.standbys:
                stalled.enter_context(cut_off(standby, servers.primary))
            wait_for_writes(writers)
            servers.primary.kill()
        stalled.close()
        servers.fail_over()
        assert writers.missing(servers.primary)
