"""A real S3 service on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.backups.servers import (
    call,
    needs,
    place,
    running,
    until,
)
from testbed.controlplane.ports import free_ports
from testbed.programs import parts


@dataclass(frozen=True)
class ObjectStore:
    """An S3 service."""

    url: str
    access_key: str = "access-key-of-a-test"
    secret_key: str = "secret-key-of-a-test"

    def rclone(
        self, *words: str, directory: Path | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """rclone with this service as `s3:`; `more` is added to its environment."""
        variables = {
            "RCLONE_CONFIG": "/nonexistent/rclone.conf",
            "RCLONE_CONFIG_S3_TYPE": "s3",
            "RCLONE_CONFIG_S3_PROVIDER": "Other",
            "RCLONE_CONFIG_S3_REGION": "us-east-1",
            "RCLONE_CONFIG_S3_ENDPOINT": self.url,
            "RCLONE_CONFIG_S3_ACCESS_KEY_ID": self.access_key,
            "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": self.secret_key,
            **(more or {}),
        }
        return call(["rclone", *words], variables, directory=directory)


@contextmanager
def object_store(more: Mapping[str, str] | None = None, address: str | None = None) -> Generator[ObjectStore]:
    """A running S3 service without buckets, on a free port of loopback unless an `address` with a port is given.

    `more` is added to its environment.
    """
    needs("rclone")
    if absent := parts.missing("minio"):
        pytest.skip(f"not built: {', '.join(absent)}; run: python -m testbed.programs build minio")
    with place() as directory:
        port, console = free_ports(2)
        listening = address or f"127.0.0.1:{port}"
        store = ObjectStore(f"http://{listening}")
        command = [str(parts.executables("minio")["minio"]), "server", str(directory / "data"),
                   "--address", listening, "--console-address", f"127.0.0.1:{console}",
                   "--certs-dir", str(directory / "certs")]  # fmt: skip
        variables = {
            "MINIO_ROOT_USER": store.access_key,
            "MINIO_ROOT_PASSWORD": store.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(directory),
            **(more or {}),
        }
        # Built parts are in the home directory of the user who built them.
        with running(command, variables, directory / "log", as_user=None):
            until(lambda: store.rclone("lsd", "s3:", "--retries", "1").returncode == 0, "the S3 service")
            yield store
