"""One pod of a replicated redis as processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from archesai_infra.components.base.certificates import SERVER_PATH
from archesai_infra.components.redis import PORT, ReplicatedRedis
from archesai_infra.components.redis.replicated.configuration import server_files
from archesai_infra.components.redis.replicated.names import HOSTS, PODS, SERVICE
from archesai_infra.components.redis.settings import RedisTls
from testbed.backups.servers import identity
from testbed.redis_group import programs
from testbed.redis_group.client import Client, RefusedError, Tls
from testbed.redis_group.files import as_config_map, made


class Pod:
    """One pod of the StatefulSet: a server and its Sentinel, which start, stop and are killed like containers."""

    def __init__(
        self, directory: Path, number: int, address: str, variables: Mapping[str, str], certificates: Path | None
    ) -> None:
        self.name, self.host, self.address = PODS[number], HOSTS[number], address
        self.directory = directory / self.name
        self.config, self.passwords = self.directory / "config", directory / "passwords"
        for part in ("config", "data", "run"):
            made(self.directory / part)
        self._variables = variables
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.configure(certificates)

    def configure(self, certificates: Path | None) -> None:
        """Give the pod what it mounts at its next start: the configuration and the scripts, with or without TLS."""
        self._certificates = certificates
        tls = RedisTls(secret="certificate") if certificates else None
        for name, text in server_files(ReplicatedRedis(mode="replicated", enabled=True, tls=tls)).items():
            as_config_map(self.config / name, self._adapted(name, text))

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
        made(self.directory / "data")

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


def _end_session(session: int) -> None:
    """Kill what a container's main process left, as the kernel does with its namespace."""
    listed = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
