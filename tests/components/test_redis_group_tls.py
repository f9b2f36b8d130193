"""A replicated redis that speaks nothing but TLS: real servers, Sentinels and HAProxy.

The processes are the Valkey of ARCHESAI_VALKEY, else Debian's Redis 7.0, which reads a certificate when it starts.
"""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from archesai_infra.components.backups import scripts
from archesai_infra.components.redis import NAME, PORT
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT
from archesai_infra.components.redis.replicated.names import HOSTS
from testbed.backups import rendered, servers
from testbed.controlplane.certificates import CertificateAuthority
from testbed.matrix import ON
from testbed.redis_group import programs
from testbed.redis_group.client import Client, RefusedError, Tls, Writes, writing
from testbed.redis_group.group import Group, give_certificate, group, kill_primary, wait
from testbed.redis_group.programs import TLS_CHOSEN
from testbed.stacks import ALONE, Config, find, render

STACK: Config = ALONE | {
    "api": ON, "database": ON, "migrations": {"mode": "off"},
    "redis": ON | {"mode": "replicated", "tls": {"secret": "certificate"}},
    "backups": ON | {"bucket": "elsewhere", "existingSecret": "keys"},
}  # fmt: skip
RELOAD_SECONDS = 90
"""Above the minute after which Valkey looks for a renewed certificate."""
by_valkey = pytest.mark.skipif(not programs.chosen(), reason=f"{programs.CHOSEN}=<directory> runs it")

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("redis tls")]


@pytest.fixture(scope="module")
def authority() -> Generator[CertificateAuthority]:
    if os.environ.get(TLS_CHOSEN) != "1":
        pytest.skip(f"takes two minutes: {TLS_CHOSEN}=1 make test runs it")
    servers.needs("openssl")
    with servers.place() as directory:
        yield CertificateAuthority(directory)


@pytest.fixture(scope="module")
def running(authority: CertificateAuthority) -> Iterator[Group]:
    """A settled group that speaks TLS."""
    with group(authority) as made:
        _start_all(made)
        yield made


def test_only_who_knows_the_authority_comes_in_and_nobody_in_clear(running: Group, tmp_path: Path) -> None:
    other = CertificateAuthority(tmp_path)
    for address in (running.address, *(pod.address for pod in running.pods)):
        with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
            Client(address, PORT, running.password, tls=Tls(other.certificate, NAME))
        with pytest.raises((OSError, RefusedError)):
            Client(address, PORT, running.password)
    for pod in running.pods:
        password = (pod.passwords / "sentinel").read_text()
        with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
            Client(pod.address, SENTINEL_PORT, password, "sentinel", Tls(other.certificate, pod.host))
        with pytest.raises((OSError, RefusedError)):
            Client(pod.address, SENTINEL_PORT, password, "sentinel")


def test_a_primary_that_is_killed_is_replaced_and_comes_back_as_a_replica(running: Group) -> None:
    before, writes = kill_primary(running, writers=8)
    assert len(writes.acknowledged) > 500
    assert writes.gap() < 30
    before.start("server")
    wait(running, running.settled)
    assert before.role == "slave"


@pytest.mark.skipif(programs.chosen(), reason="Valkey needs no restart")
def test_a_pod_that_restarts_serves_the_renewed_certificate_while_the_others_have_the_old(
    running: Group, authority: CertificateAuthority
) -> None:
    (pod, *_) = [pod for pod in running.pods if pod.role == "slave"]
    before = _presented(pod.address)
    give_certificate(_certificates(running), authority, "second")
    assert _presented(pod.address) == before
    pod.stop()
    pod.start()
    wait(running, running.settled)
    assert _presented(pod.address) != before


@by_valkey
def test_a_renewed_certificate_is_served_without_a_restart(running: Group, authority: CertificateAuthority) -> None:
    with _undisturbed(running) as writes:
        _renew(running, authority, "second")
        time.sleep(5)
    assert writes.missing() == []
    # A replica that reconnects to the primary is shown the renewed certificate.
    (pod, *_) = [pod for pod in running.pods if pod.role == "slave"]
    pod.stop()
    pod.start()
    wait(running, running.settled)


@by_valkey
def test_the_authority_changes_in_the_order_of_the_guide_without_a_restart_of_servers(
    running: Group, authority: CertificateAuthority, tmp_path: Path
) -> None:
    other = CertificateAuthority(tmp_path)
    both = authority.certificate.read_text() + other.certificate.read_text()
    with _undisturbed(running) as writes:
        _renew(running, authority, "third", both)
        running.restart_proxy()
        wait(running, running.answers)
        _renew(running, other, "fourth", both)
        wait(running, running.answers)
        time.sleep(5)
    assert writes.missing() == []
    give_certificate(_certificates(running), other, "fifth")
    for pod in sorted(running.pods, key=lambda pod: pod.role == "master"):
        assert pod.hand_over().returncode == 0
        pod.stop()
        pod.start()
        wait(running, pod.ready)
    running.restart_proxy()
    wait(running, running.settled)
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        Client(running.address, PORT, running.password, tls=Tls(authority.certificate, NAME))


@by_valkey
def test_a_dump_and_its_restore_go_by_tls(running: Group) -> None:
    found = find(render(STACK), "StatefulSet", "archesai-dump")["spec"]["template"]["spec"]["containers"]
    (container,) = [one for one in found if one["name"] == "redis"]
    key = "what the dump keeps"
    address = Client(running.address, PORT, running.password, tls=running.tls)
    with servers.place() as home, closing(address) as client:
        rendered.write_scripts("dump-scripts", home)
        (home / "programs").mkdir()
        programs.link_chosen(home / "programs")
        variables = rendered.plain_environment(container) | {
            "PATH": f"{home / 'programs'}:{servers.search_path()}",
            "SCRIPTS": str(home / "dump-scripts"),
            "BACKUP_DIR": str(home),
            "REDIS_HOST": running.address,
            "REDIS_CA": str(_certificates(running) / "ca.crt"),
            "REDISCLI_AUTH": (running.pods[0].passwords / "dump").read_text(),
        }
        assert variables["REDIS_TLS"] == "true"
        client.call("SET", key, "kept")
        made = servers.call(rendered.hook("redis"), variables)
        assert made.returncode == 0, made.stderr
        client.call("SET", key, "changed")
        restore = (running.pods[0].passwords / "restore").read_text()
        done = servers.call(scripts.run("restore-redis.sh"), variables, stdin=f"{restore}\n")
        assert done.returncode == 0, done.stderr
        assert client.call("GET", key) == b"kept"
        print(made.stdout, done.stdout)
    wait(running, running.settled)


def test_the_proxy_leads_to_no_server_whose_certificate_lacks_its_name(
    running: Group, authority: CertificateAuthority
) -> None:
    _restart_with(running, authority, "sixth", ())
    running.restart_proxy()
    for _ in range(10):
        assert not running.answers()
        time.sleep(0.5)
    _restart_with(running, authority, "seventh", HOSTS)
    wait(running, running.answers)


def test_tls_is_switched_on_by_a_stop_of_all_and_not_by_a_rollout(authority: CertificateAuthority) -> None:
    with group(authority) as made:
        certificates = _certificates(made)
        made.configure(None)
        made.restart_proxy()
        _start_all(made)
        last = made.pods[-1]
        with writing(made.address, PORT, made.password) as writes:
            time.sleep(2)
            # A rollout begins with the last pod, and waits for it; so do the proxies that are there already.
            last.configure(certificates)
            last.stop()
            last.start()
            for _ in range(20):
                assert not last.ready()
                time.sleep(1)
            last.configure(None)
            last.stop()
            last.start()
            wait(made, made.settled)
        assert writes.missing() == []
        assert writes.gap() < 5
        for pod in made.pods:
            pod.stop()
        made.configure(certificates)
        made.set_passwords("new ones")
        made.restart_proxy()
        _start_all(made)
        after = Writes(made.address, PORT, made.password, made.tls, writes.acknowledged)
        assert after.missing() == []


def _start_all(running: Group) -> None:
    for pod in running.pods:
        pod.start()
    wait(running, running.settled)


@contextmanager
def _undisturbed(running: Group) -> Generator[Writes]:
    """Writers on the address, while no process ends and no other server becomes the primary."""
    primary = running.primary()
    processes = [pod.processes() for pod in running.pods]
    with writing(running.address, PORT, running.password, tls=running.tls) as writes:
        yield writes
    print(f"gap {writes.gap():.1f} s of {len(writes.acknowledged)} acknowledged writes")
    assert [pod.processes() for pod in running.pods] == processes
    assert running.primary() is primary


def _renew(running: Group, authority: CertificateAuthority, name: str, trusted: str | None = None) -> None:
    """Another certificate, until every server and Sentinel serves it."""
    certificates = _certificates(running)
    began = time.monotonic()
    give_certificate(certificates, authority, name, trusted=trusted)
    new = ssl.PEM_cert_to_DER_cert((certificates / "tls.crt").read_text())
    ports = [(pod.address, port) for pod in running.pods for port in (PORT, SENTINEL_PORT)]

    def served() -> bool:
        return all(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(port)) == new for port in ports)

    assert not served()
    wait(running, served, RELOAD_SECONDS)
    print(f"{name} is served everywhere after {time.monotonic() - began:.0f} s")


def _certificates(running: Group) -> Path:
    assert running.tls is not None
    return running.tls.authority.parent


def _restart_with(running: Group, authority: CertificateAuthority, name: str, hosts: Sequence[str]) -> None:
    """All pods with another certificate, until each is ready by its own probes, which check no name."""
    give_certificate(_certificates(running), authority, name, hosts)
    for pod in running.pods:
        pod.stop(sent=signal.SIGKILL)
    for pod in running.pods:
        pod.start()
    wait(running, lambda: all(pod.ready() and pod.ready("sentinel") for pod in running.pods))


def _presented(address: str) -> str:
    return ssl.get_server_certificate((address, PORT))
