"""An S3 service on the address that stands for the internet in the nodes' network."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.node import layout
from testbed.node.rig import Nodes
from testbed.programs import parts

BUCKET = "archesai-backups"
PORT = 9000


@dataclass(frozen=True)
class Bucket:
    """A bucket as stacks see it."""

    directory: Path
    access_key: str = field(default_factory=lambda: secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def url(self) -> str:
        return f"http://{layout.INTERNET_NAME}:{PORT}"

    @property
    def keys(self) -> str:
        """An AWS credentials file."""
        return f"[default]\naws_access_key_id = {self.access_key}\naws_secret_access_key = {self.secret_key}\n"


@contextmanager
def bucket(nodes: Nodes, directory: Path) -> Generator[Bucket]:
    """Serve an empty bucket until the end of the context; the server ends with this process, however that ends."""
    found = Bucket(directory)
    # MinIO takes a directory that is there for a bucket.
    (directory / "data" / BUCKET).mkdir(parents=True)
    within = ["nsenter", "-t", str(nodes.pid), "-n", "--", "setpriv", "--pdeathsig", "KILL", "--"]
    server = [parts.executables("minio")["minio"], "server", directory / "data", "--quiet"]
    addresses = ["--address", f"{layout.INTERNET}:{PORT}", "--console-address", f"{layout.INTERNET}:{PORT + 1}"]
    variables = {
        "MINIO_ROOT_USER": found.access_key,
        "MINIO_ROOT_PASSWORD": found.secret_key,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "HOME": str(directory),
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    }
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*within, *server, *addresses], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield found
    finally:
        process.kill()
        process.wait()
