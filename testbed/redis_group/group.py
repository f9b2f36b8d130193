"""The pods of a replicated redis as processes: each with its volume, the kubelet's modes and an address of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from archesai_infra.components.base.certificates import SERVER_PATH
from archesai_infra.components.redis import NAME, PASSWORD_KEY, PORT, ReplicatedRedis
from archesai_infra.components.redis.replicated.configuration import SENTINEL_PORT, proxy_files, server_files
from archesai_infra.components.redis.replicated.names import COUNT, HOSTS, PODS, SERVICE
from archesai_infra.components.redis.replicated.tls import CA_PATH
from archesai_infra.components.redis.settings import RedisTls
from testbed.backups.servers import UNPRIVILEGED, identity, needs, place
from testbed.controlplane.certificates import CertificateAuthority
from testbed.redis_group import programs
from testbed.redis_group.client import Client, RefusedError, Tls
from testbed.redis_group.names import addresses, name_service, nss_wrapper

USERS = ("exporter", "dump", "restore", "replica", "sentinel", "proxy")
DOMAIN = "archesai.svc.cluster.local"
_SECONDS = 60


class Pod:
    """One pod of the StatefulSet: a server and its Sentinel, which start, stop and are killed like containers."""

    def __init__(
        self, directory: Path, number: int, address: str, variables: Mapping[str, str], certificates: Path | None
    ) -> None:
        self.name, self.host, self.address = PODS[number], HOSTS[number], address
        self.directory = directory / self.name
        self.config, self.passwords = self.directory / "config", directory / "passwords"
        for part in ("config", "data", "run"):
            _made(self.directory / part)
        self._variables = variables
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.configure(certificates)

    def configure(self, certificates: Path | None) -> None:
        """Give the pod what it mounts at its next start: the configuration and the scripts, with or without TLS."""
        self._certificates = certificates
        tls = RedisTls(secret="certificate") if certificates else None
        for name, text in server_files(ReplicatedRedis(mode="replicated", enabled=True, tls=tls)).items():
            _as_config_map(self.config / name, self._adapted(name, text))

    def _adapted(self, name: str, text: str) -> str:
        if name not in ("redis.conf", "sentinel.conf"):
            return text
        text = text.replace("dir /data", f"dir {self.directory / 'data'}")
        if self._certificates:
            text = text.replace(SERVER_PATH, str(self._certificates))
            if not programs.chosen():
                text = text.replace("tls-auto-reload-interval 60\n", "")
        return text + f"bind {self.address}\n"

    @property
    def tls(self) -> Tls | None:
        """How clients speak with the pod."""
        return Tls(self._certificates / "ca.crt", self.host) if self._certificates else None

    @property
    def environment(self) -> dict[str, str]:
        """What the manifest sets, and where this machine has what the pod has elsewhere."""
        return {
            **self._variables,
            **({"REDIS_CERTIFICATES": str(self._certificates)} if self._certificates else {}),
            "POD_NAME": self.name,
            "SERVICE": SERVICE,
            "HOSTS": " ".join(HOSTS),
            "REDIS_CONFIG": str(self.config),
            "REDIS_RUN": str(self.directory / "run"),
            "REDIS_DATA": str(self.directory / "data"),
            "REDIS_PASSWORDS": str(self.passwords),
            "REDIS_ADDRESS": self.address,
        }

    def start(self, *parts: str) -> None:
        """Start the containers `server` and `sentinel`, or one of them."""
        for part in parts or ("sentinel", "server"):
            with (self.directory / f"{part}.log").open("ab") as log:
                self._running[part] = subprocess.Popen(
                    ["/bin/sh", str(self.config / f"{part}.sh")], env=self.environment, cwd="/", stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL, start_new_session=True, **identity(),
                )  # fmt: skip

    def stop(self, *parts: str, sent: signal.Signals = signal.SIGTERM) -> None:
        """Stop containers: the main process gets the signal, what is left of the container goes with it."""
        for part in parts or ("server", "sentinel"):
            process = self._running.pop(part, None)
            if process is None:
                continue
            process.send_signal(sent)
            try:
                process.wait(20)
            finally:
                _end_session(process.pid)

    def run(self, script: str, *words: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a script of the pod, as a probe or a hook does."""
        return subprocess.run(
            ["/bin/sh", str(self.config / script), *words], env=self.environment, capture_output=True, text=True,
            check=False, cwd="/", timeout=seconds, **identity(),
        )  # fmt: skip

    def hand_over(self) -> subprocess.CompletedProcess[str]:
        """The hook before the server stops."""
        return self.run("handover.sh")

    def processes(self) -> dict[str, int]:
        """Ids of the containers' main processes; raises AssertionError where one has ended."""
        for part, process in self._running.items():
            assert process.poll() is None, f"{self.name}: {part} ended"
        return {part: process.pid for part, process in self._running.items()}

    def ready(self, part: str = "server") -> bool:
        """Whether a container's readiness probe says so."""
        return self.run("ready.sh", part).returncode == 0

    def asked(self, *words: str, user: str = "exporter", port: int = PORT) -> str:
        """The server's answer, or the Sentinel's at its port; raises OSError and RefusedError."""
        password = (self.passwords / user).read_text(encoding="utf-8")
        with closing(Client(self.address, port, password, user, self.tls)) as client:
            return client.call(*words).decode()

    def set(self, name: str, value: str) -> None:
        """Change the server's configuration, as the user that only the container knows."""
        password = (self.directory / "run" / f"local-{PORT}").read_text(encoding="utf-8").strip()
        with closing(Client(self.address, PORT, password, "local", self.tls)) as client:
            client.call("CONFIG", "SET", name, value)

    def accepts(self, user: str, password: str) -> bool:
        """Whether the server takes a user's password."""
        try:
            Client(self.address, PORT, password, user, self.tls).close()
        except RefusedError:
            return False
        return True

    def age_passwords(self) -> None:
        """As if the passwords had been changed an hour ago."""
        for path in (self.directory / "data" / "passwords").glob("*.before"):
            os.utime(path, (time.time() - 3600, time.time() - 3600))

    def lose_volume(self) -> None:
        """An empty volume in place of the one there was."""
        shutil.rmtree(self.directory / "data")
        _made(self.directory / "data")

    @property
    def role(self) -> str | None:
        """`master`, `slave`, or None where the server does not answer."""
        try:
            lines = self.asked("INFO", "replication").splitlines()
        except (OSError, RefusedError):
            return None
        return dict(line.split(":", 1) for line in lines if ":" in line)["role"]

    def log(self, part: str) -> str:
        """What a container printed."""
        return (self.directory / f"{part}.log").read_text(encoding="utf-8")


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
            path = self._passwords / ("new-" + user)
            path.write_text(text if user == PASSWORD_KEY else f"{text} of {user}", encoding="utf-8")
            path.chmod(0o440)
            if os.geteuid() == 0:
                os.chown(path, 0, UNPRIVILEGED)
            path.replace(self._passwords / user)

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
        _made(directory / "programs")
        programs.link(directory / "programs", tls=authority is not None)
        variables = {
            "PATH": f"{directory / 'programs'}:/usr/bin:/bin:/usr/sbin",
            "LD_PRELOAD": wrapper,
        }
        variables["NSS_WRAPPER_HOSTS"] = str(_hosts_file(directory, hosts))
        passwords = directory / "passwords"
        _made(passwords)
        certificates = directory / "certificates" if authority else None
        if authority and certificates:
            give_certificate(certificates, authority, "first")
        pods = [Pod(directory, number, found[number], variables, certificates) for number in range(COUNT)]
        names = {f"{host}.{DOMAIN}": address for host, address in hosts.items()}
        front = Proxy(directory, found[-1], stack.enter_context(name_service(found[-1], names)), certificates)
        made = Group(pods, front, passwords, certificates)
        made.set_passwords('it\'s "quoted" \\ and $(spaced) %s')
        front.start()
        try:
            yield made
        finally:
            front.stop()
            for pod in pods:
                pod.stop(sent=signal.SIGKILL)


class Proxy:
    """The proxy's pod."""

    def __init__(self, directory: Path, address: str, name_port: int, certificates: Path | None) -> None:
        self.address, self._directory = address, directory
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(certificates)
        _as_config_map(directory / "resolv.conf", f"search {DOMAIN} svc.cluster.local\nnameserver 192.0.2.1\n")
        self._environment = {
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "LISTEN": address,
            "NAMESERVER": f"{address}:{name_port}",
            "RESOLV_CONF": str(directory / "resolv.conf"),
            "PROXY_CONFIG": str(directory / "haproxy.cfg"),
            "PROXY_PASSWORD": str(directory / "passwords" / "proxy"),
        }

    def configure(self, certificates: Path | None) -> None:
        """Give the pod what it mounts at its next start."""
        for name, text in proxy_files(tls=certificates is not None).items():
            _as_config_map(self._directory / name, text.replace(CA_PATH, str(certificates)))

    def start(self) -> None:
        """Start HAProxy by the pod's script."""
        with (self._directory / "proxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", str(self._directory / "proxy.sh")], env=self._environment, cwd="/", stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, **identity(),
            )  # fmt: skip

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


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
    _made(directory)
    texts = {
        "tls.crt": pair.certificate.read_text(encoding="utf-8"),
        "tls.key": pair.key.read_text(encoding="utf-8"),
        "ca.crt": trusted or authority.certificate.read_text(encoding="utf-8"),
    }
    for file, text in texts.items():
        new = directory / f"new-{file}"
        new.write_text(text, encoding="utf-8")
        new.chmod(0o440)
        if os.geteuid() == 0:
            os.chown(new, 0, UNPRIVILEGED)
        new.replace(directory / file)


def _hosts_file(directory: Path, hosts: Mapping[str, str]) -> Path:
    path = directory / "hosts"
    _as_config_map(path, "".join(f"{address} {name}\n" for name, address in hosts.items()))
    return path


def _made(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for made in (path, path.parent):
        if os.geteuid() == 0:
            os.chown(made, UNPRIVILEGED, UNPRIVILEGED)


def _as_config_map(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o444)


def _end_session(session: int) -> None:
    """Kill what a container's main process left, as the kernel does with its namespace."""
    listed = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
