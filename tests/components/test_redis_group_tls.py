"""A replicated redis that speaks nothing but TLS: real servers, Sentinels and HAProxy.

The processes are Debian's Redis 7.0, whose Sentinel has no COORDINATED; it reads a renewed certificate when it starts.
"""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

from archesai_infra.components.redis import NAME, PORT
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT
from archesai_infra.components.redis.replicated.names import HOSTS
from testbed.backups import servers
from testbed.controlplane.certificates import CertificateAuthority
from testbed.redis_group.client import Client, RefusedError, Tls, writing
from testbed.redis_group.group import Group, give_certificate, group, wait

CHOSEN = "ARCHESAI_REDIS_TLS"
"""Environment variable that has these tests run."""

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("redis tls")]


@pytest.fixture(scope="module")
def authority() -> Generator[CertificateAuthority]:
    servers.needs("openssl")
    with servers.place() as directory:
        yield CertificateAuthority(directory)


@pytest.fixture(scope="module")
def running(authority: CertificateAuthority) -> Iterator[Group]:
    """A settled group that speaks TLS."""
    if os.environ.get(CHOSEN) != "1":
        pytest.skip(f"takes a minute: {CHOSEN}=1 make test runs it")
    with group(authority) as made:
        for pod in made.pods:
            pod.start()
        wait(made, made.settled)
        yield made


def test_only_who_knows_the_authority_comes_in_and_nobody_in_clear(running: Group, tmp_path: Path) -> None:
    other = CertificateAuthority(tmp_path)
    for address in (running.address, *(pod.address for pod in running.pods)):
        with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
            Client(address, PORT, running.password, tls=Tls(other.certificate, NAME))
        with pytest.raises((OSError, RefusedError)):
            Client(address, PORT, running.password)
    for pod in running.pods:
        with pytest.raises((OSError, RefusedError)):
            Client(pod.address, SENTINEL_PORT, (pod.passwords / "sentinel").read_text(), "sentinel")


def test_a_primary_that_is_killed_is_replaced_and_comes_back_as_a_replica(running: Group) -> None:
    before = running.primary()
    with writing(running.address, PORT, running.password, tls=running.tls) as writes:
        time.sleep(2)
        before.stop("server", sent=signal.SIGKILL)
        wait(running, lambda: any(pod.role == "master" for pod in running.pods))
        wait(running, running.answers)
        time.sleep(1)
    print(f"killed: gap {writes.gap():.1f} s, {len(writes.missing())} of {len(writes.acknowledged)} missing")
    assert len(writes.acknowledged) > 500
    assert writes.gap() < 30
    before.start("server")
    wait(running, running.settled)
    assert before.role == "slave"


def test_a_pod_that_restarts_serves_the_renewed_certificate_while_the_others_have_the_old(
    running: Group, authority: CertificateAuthority
) -> None:
    (pod, *_) = [pod for pod in running.pods if pod.role == "slave"]
    assert pod.tls is not None
    before = _presented(pod.address)
    give_certificate(pod.tls.authority.parent, authority, "second")
    assert _presented(pod.address) == before
    pod.stop()
    pod.start()
    wait(running, running.settled)
    assert _presented(pod.address) != before


def test_the_proxy_leads_to_no_server_whose_certificate_lacks_its_name(
    running: Group, authority: CertificateAuthority
) -> None:
    _restart_with(running, authority, "third", ())
    for _ in range(10):
        assert not running.answers()
        time.sleep(0.5)
    _restart_with(running, authority, "fourth", HOSTS)
    wait(running, running.answers)


def _restart_with(running: Group, authority: CertificateAuthority, name: str, hosts: Sequence[str]) -> None:
    """All pods with another certificate, until each is ready by its own probes, which check no name."""
    assert running.tls is not None
    give_certificate(running.tls.authority.parent, authority, name, hosts)
    for pod in running.pods:
        pod.stop(sent=signal.SIGKILL)
    for pod in running.pods:
        pod.start()
    wait(running, lambda: all(pod.ready() and pod.ready("sentinel") for pod in running.pods))


def _presented(address: str) -> str:
    return ssl.get_server_certificate((address, PORT))
