"""The pods of a replicated redis as processes: each with its volume, the kubelet's modes and an address of its own."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from archesai_infra.components.redis import NAME, PASSWORD_KEY, PORT
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT
from archesai_infra.components.redis.replicated.names import COUNT, HOSTS
from testbed.backups.servers import needs, place
from testbed.controlplane.certificates import CertificateAuthority
from testbed.redis_group import programs
from testbed.redis_group.client import Client, RefusedError, Tls, Writes, writing
from testbed.redis_group.files import as_config_map, as_secret, made
from testbed.redis_group.names import DOMAIN, addresses, name_service, nss_wrapper
from testbed.redis_group.pod import Pod
from testbed.redis_group.proxy import Proxy

USERS = ("exporter", "dump", "restore", "replica", "sentinel", "proxy")
_SECONDS = 60


class Group:
    """All pods, and the address behind which the primary is."""

    def __init__(self, pods: list[Pod], proxy: Proxy, passwords: Path, certificates: Path | None) -> None:
        self.pods, self.address, self.proxy, self._passwords = pods, proxy.address, proxy, passwords
        self._certificates = certificates

    @property
    def tls(self) -> Tls | None:
        """How clients speak with the address."""
        return Tls(self._certificates / "ca.crt", NAME) if self._certificates else None

    def restart_proxy(self) -> None:
        """What a rollout does with the proxy."""
        self.proxy.stop()
        self.proxy.start()

    def configure(self, certificates: Path | None) -> None:
        """What an `up` writes where `redis.tls` was set or taken away: nothing restarts by it."""
        self._certificates = certificates
        for part in (*self.pods, self.proxy):
            part.configure(certificates)

    @property
    def password(self) -> str:
        """The application's password."""
        return (self._passwords / PASSWORD_KEY).read_text(encoding="utf-8")

    def set_passwords(self, text: str) -> None:
        """Give every user another password, as the kubelet does some time after the Secret was changed."""
        for user in (PASSWORD_KEY, *USERS):
            as_secret(self._passwords / user, text if user == PASSWORD_KEY else f"{text} of {user}")

    def primary(self) -> Pod:
        """The one pod that calls itself the primary; raises LookupError."""
        found = [pod for pod in self.pods if pod.role == "master"]
        if len(found) != 1:
            raise LookupError(f"{len(found)} primaries: {[pod.name for pod in found]}")
        return found[0]

    def settled(self) -> bool:
        """Whether every pod is ready and the address answers."""
        return all(pod.ready() and pod.ready("sentinel") for pod in self.pods) and self.answers()

    def watched(self) -> bool:
        """Whether every Sentinel knows both replicas: it asks the primary each 10 s, and promotes none before that."""
        question = ("SENTINEL", "REPLICAS", "archesai")
        found = [pod.asked(*question, user="sentinel", port=SENTINEL_PORT) for pod in self.pods]
        return found == [str(COUNT - 1)] * COUNT

    def answers(self) -> bool:
        """Whether the address leads to a primary that takes writes."""
        try:
            with closing(Client(self.address, PORT, self.password, tls=self.tls)) as client:
                client.call("SET", "probe", "1")
        except (OSError, RefusedError):
            return False
        return True

    def state(self) -> str:
        """For messages: roles and the ends of all logs."""
        parts = [f"{pod.name}: {pod.role}" for pod in self.pods]
        parts += [
            f"--- {pod.name} {part}\n{pod.log(part)[-6000:]}" for pod in self.pods for part in ("server", "sentinel")
        ]
        return "\n".join(parts)


def wait(group: Group, condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Wait for a condition; raises AssertionError with the group's state."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, group.state()
        time.sleep(0.3)


def kill_primary(group: Group, *, writers: int) -> tuple[Pod, Writes]:
    """Kill the primary's server under writers and wait until another one takes writes; the pod and what was written."""
    # Right after the first start there is no replica yet that a Sentinel would promote.
    wait(group, group.watched)
    before = group.primary()
    with writing(group.address, PORT, group.password, writers=writers, tls=group.tls) as writes:
        time.sleep(2)
        before.stop("server", sent=signal.SIGKILL)
        wait(group, lambda: any(pod.role == "master" for pod in group.pods))
        wait(group, group.answers)
        time.sleep(1)
    print(f"killed: gap {writes.gap():.1f} s, {len(writes.missing())} of {len(writes.acknowledged)} missing")
    return before, writes


@contextmanager
def group(authority: CertificateAuthority | None = None) -> Generator[Group]:
    """Pods that were not started yet, and a running proxy. With an authority they speak TLS."""
    needs("haproxy")
    wrapper = nss_wrapper()
    if wrapper is None:
        pytest.skip("not installed: libnss-wrapper")
    with place() as directory, ExitStack() as stack:
        found = addresses(COUNT + 1)
        hosts = dict(zip(HOSTS, found, strict=False))
        made(directory / "programs")
        programs.link(directory / "programs", tls=authority is not None)
        variables = {
            "PATH": f"{directory / 'programs'}:/usr/bin:/bin:/usr/sbin",
            "LD_PRELOAD": wrapper,
        }
        variables["NSS_WRAPPER_HOSTS"] = str(_hosts_file(directory, hosts))
        passwords = directory / "passwords"
        made(passwords)
        certificates = directory / "certificates" if authority else None
        if authority and certificates:
            give_certificate(certificates, authority, "first")
        pods = [Pod(directory, number, found[number], variables, certificates) for number in range(COUNT)]
        names = {f"{host}.{DOMAIN}": address for host, address in hosts.items()}
        front = Proxy(directory, found[-1], stack.enter_context(name_service(found[-1], names)), certificates)
        built = Group(pods, front, passwords, certificates)
        built.set_passwords('it\'s "quoted" \\ and $(spaced) %s')
        front.start()
        try:
            yield built
        finally:
            front.stop()
            for pod in pods:
                pod.stop(sent=signal.SIGKILL)


def give_certificate(
    directory: Path,
    authority: CertificateAuthority,
    name: str,
    hosts: Sequence[str] = HOSTS,
    *,
    trusted: str | None = None,
) -> None:
    """A new certificate of that name for the address and these hosts, with the modes of a Secret's files.

    `ca.crt` holds the authority, or what is `trusted` in its place.
    """
    pair = authority.serving(name, *(f"DNS:{host}" for host in (NAME, *hosts)))
    made(directory)
    texts = {
        "tls.crt": pair.certificate.read_text(encoding="utf-8"),
        "tls.key": pair.key.read_text(encoding="utf-8"),
        "ca.crt": trusted or authority.certificate.read_text(encoding="utf-8"),
    }
    for file, text in texts.items():
        as_secret(directory / file, text)


def _hosts_file(directory: Path, hosts: Mapping[str, str]) -> Path:
    path = directory / "hosts"
    as_config_map(path, "".join(f"{address} {name}\n" for name, address in hosts.items()))
    return path
