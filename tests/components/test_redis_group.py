"""A replicated redis of real Valkey servers, Sentinels and HAProxy: what it keeps when its primary goes.

ARCHESAI_FAILOVERS=10 repeats what writers survive; once is for CI. By TLS it needs a Valkey that was built with it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from archesai_infra.components.redis import PORT
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT
from testbed.backups import servers
from testbed.controlplane.certificates import CertificateAuthority
from testbed.redis_group import programs
from testbed.redis_group.client import writing
from testbed.redis_group.group import Group, Pod, group, kill_primary, wait
from testbed.redis_group.programs import TLS_CHOSEN

RUNS = int(os.environ.get("ARCHESAI_FAILOVERS", "1"))
WRITERS = 8

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("redis group")]


@pytest.fixture(scope="module", params=["clear", "tls"])
def running(request: pytest.FixtureRequest) -> Iterator[Group]:
    """A settled group; each test leaves one behind."""
    by_tls = request.param == "tls"
    if by_tls and not (os.environ.get(TLS_CHOSEN) == "1" and programs.chosen()):
        pytest.skip(f"takes two minutes: {TLS_CHOSEN}=1 and {programs.CHOSEN}=<directory> run it")
    with ExitStack() as stack:
        authority = CertificateAuthority(stack.enter_context(servers.place())) if by_tls else None
        made = stack.enter_context(group(authority))
        # The first pod last: the others must not begin without it.
        for pod in reversed(made.pods):
            pod.start()
        wait(made, made.settled)
        yield made


def _restart(running: Group, pod: Pod) -> None:
    """What a rollout does with a pod."""
    hook = pod.hand_over()
    assert hook.returncode == 0, hook.stdout + hook.stderr
    pod.stop()
    pod.start()
    wait(running, pod.ready)


def test_the_first_pod_becomes_the_primary_whoever_starts_first(running: Group) -> None:
    assert running.primary() is running.pods[0]
    assert [pod.role for pod in running.pods] == ["master", "slave", "slave"]


def test_no_password_is_on_a_command_line_or_readable_for_others(running: Group) -> None:
    for pod in running.pods:
        for part in ("run", "data/sentinel"):
            for path in (pod.directory / part).iterdir():
                assert path.stat().st_mode & 0o077 == 0, path


def test_a_rollout_loses_no_acknowledged_write(running: Group) -> None:
    gaps: list[float] = []
    for _ in range(RUNS):
        with writing(running.address, PORT, running.password, tls=running.tls, writers=WRITERS) as writes:
            time.sleep(2)
            before = running.primary()
            _restart(running, before)
            wait(running, running.settled)
        assert running.primary() is not before
        assert len(writes.acknowledged) > 1000
        assert writes.missing() == []
        gaps.append(writes.gap())
    print(f"longest gaps of {RUNS} rollouts: {sorted(round(gap, 1) for gap in gaps)} s")
    assert max(gaps) < 15


def test_a_primary_that_is_killed_is_replaced_and_comes_back_as_a_replica(running: Group) -> None:
    before, writes = kill_primary(running, writers=WRITERS)
    assert writes.gap() < 30
    before.start("server")
    wait(running, running.settled)
    assert before.role == "slave"


def test_the_first_pod_follows_when_another_is_the_primary(running: Group) -> None:
    if running.primary() is running.pods[0]:
        _restart(running, running.pods[0])
        wait(running, running.settled)
    before = running.primary()
    running.pods[0].stop(sent=signal.SIGKILL)
    running.pods[0].start()
    wait(running, running.settled)
    assert running.primary() is before


def test_passwords_change_under_writers_and_the_old_ones_end(running: Group) -> None:
    old = running.password
    order = sorted(running.pods, key=lambda pod: pod.role == "master")
    with writing(running.address, PORT, old, tls=running.tls, writers=WRITERS) as writes:
        time.sleep(1)
        running.set_passwords("another one")
        wait(running, lambda: all(pod.role for pod in order))
        for pod in order:
            _restart(running, pod)
        running.restart_proxy()
        wait(running, running.settled)
        time.sleep(2)
    assert all(_accepted(pod, old) for pod in order), "clients that have not restarted yet"
    writes.password = running.password
    assert writes.missing() == [], running.state()
    for pod in order:
        pod.age_passwords()
    wait(running, lambda: not any(_accepted(pod, old) for pod in order))
    assert running.settled()


def _accepted(pod: Pod, password: str) -> bool:
    return pod.accepts("default", password)


def test_all_pods_at_once_come_back_with_the_primary_they_had(running: Group) -> None:
    before = running.primary()
    for pod in running.pods:
        pod.stop(sent=signal.SIGKILL)
    for pod in running.pods:
        pod.start()
    wait(running, running.settled)
    assert running.primary() is before


def test_a_pod_whose_volume_was_lost_never_leads_with_nothing(running: Group) -> None:
    with writing(running.address, PORT, running.password, tls=running.tls, writers=1) as writes:
        time.sleep(1)
    lost = running.primary()
    lost.stop(sent=signal.SIGKILL)
    lost.lose_volume()
    lost.start()
    wait(running, running.settled)
    assert lost.role == "slave"
    assert writes.missing() == []


def test_a_plain_failover_loses_writes_which_the_checker_sees(running: Group) -> None:
    """The counter-example: without COORDINATED the old primary acknowledges what nobody keeps.

    `min-replicas-to-write` ends that when the last replica has left, so it is off here.
    """
    for pod in running.pods:
        pod.set("min-replicas-to-write", "0")
    before = running.primary()
    with writing(running.address, PORT, running.password, tls=running.tls, writers=WRITERS) as writes:
        time.sleep(2)
        before.asked("SENTINEL", "FAILOVER", "archesai", user="sentinel", port=SENTINEL_PORT)
        wait(running, lambda: before.role == "slave")
        wait(running, running.answers)
    missing = len(writes.missing())
    print(f"plain failover: {missing} of {len(writes.acknowledged)} missing, gap {writes.gap():.1f} s")
    assert missing > 0
