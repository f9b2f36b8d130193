"""The proxy's pod as a process."""

from __future__ import annotations

import subprocess
from pathlib import Path

from archesai_infra.components.redis.replicated.configuration import proxy_files
from archesai_infra.components.redis.replicated.tls import CA_PATH
from testbed.backups.servers import identity
from testbed.redis_group.files import as_config_map
from testbed.redis_group.names import DOMAIN


class Proxy:
    """The proxy's pod."""

    def __init__(self, directory: Path, address: str, name_port: int, certificates: Path | None) -> None:
        self.address, self._directory = address, directory
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(certificates)
        as_config_map(directory / "resolv.conf", f"search {DOMAIN} svc.cluster.local\nnameserver 192.0.2.1\n")
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
            as_config_map(self._directory / name, text.replace(CA_PATH, str(certificates)))

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
