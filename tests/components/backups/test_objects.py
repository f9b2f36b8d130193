"""The objects' copy: the rendered Job against a real S3 service."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from testbed.backups import object_store, rendered, servers
from testbed.backups.object_store import ObjectStore

pytestmark = pytest.mark.long

TARGET = "s3:archesai-backups/objects"


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[ObjectStore, ObjectStore]]:
    """The application's object storage and the one that takes the copy."""
    with object_store.object_store() as source, object_store.object_store() as target:
        yield source, target


@pytest.fixture
def stores(services: tuple[ObjectStore, ObjectStore]) -> tuple[ObjectStore, ObjectStore]:
    """Both with empty buckets."""
    for store, bucket in zip(services, ("arches", "archesai-backups"), strict=True):
        store.rclone("purge", f"s3:{bucket}")
        assert store.rclone("mkdir", f"s3:{bucket}").returncode == 0
    return services


@pytest.fixture
def job(stores: tuple[ObjectStore, ObjectStore]) -> Iterator[Job]:
    with servers.place() as home:
        yield Job(home, *stores)


class Job:
    """The CronJob's container, on this host."""

    def __init__(self, home: Path, source: ObjectStore, target: ObjectStore) -> None:
        self.home, self.source, self.target = home, source, target
        rendered.write_scripts("objects-scripts", home)
        self.keys = home / "cloud"
        self.write_keys(target.access_key, target.secret_key)

    def write_keys(self, access: str, secret: str) -> None:
        """The credentials file, in the form in which a Secret holds it."""
        self.keys.write_text(f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n")
        if os.geteuid() == 0:
            shutil.chown(self.keys, servers.UNPRIVILEGED)

    def run(self, what: str, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the container's command."""
        container = rendered.container("CronJob", "archesai-backups-objects", "objects")
        assert container["args"] == ["backup"]
        own = {
            "SCRIPTS": str(self.home / "objects-scripts"),
            "RCLONE_CONFIG": str(self.home / "rclone.conf"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.keys),
            "RCLONE_CONFIG_TARGET_PROVIDER": "Other",
            "RCLONE_CONFIG_TARGET_ENDPOINT": self.target.url,
            "RCLONE_CONFIG_SOURCE_ENDPOINT": self.source.url,
            "RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID": self.source.access_key,
            "RCLONE_CONFIG_SOURCE_SECRET_ACCESS_KEY": self.source.secret_key,
            "RCLONE_RETRIES": "1",
            "RCLONE_LOW_LEVEL_RETRIES": "1",
        }
        return servers.call(
            [*container["command"], what], rendered.plain_environment(container) | own | dict(extra or {})
        )

    def put(self, name: str, text: str) -> None:
        """Write an object of the application."""
        file = self.home / "object"
        file.write_text(text)
        file.chmod(0o644)
        assert self.source.rclone("copyto", str(file), f"s3:arches/{name}").returncode == 0

    def copied(self) -> dict[str, str]:
        """Objects of the copy and their content."""
        return _content(self.target, f"{TARGET}/current")


def _content(store: ObjectStore, path: str) -> dict[str, str]:
    listed = store.rclone("lsf", "--recursive", "--files-only", path).stdout.split()
    return {name: store.rclone("cat", f"{path}/{name}").stdout for name in listed}


def test_objects_are_copied_and_come_back_after_the_bucket_is_lost(job: Job) -> None:
    job.put("a.txt", "one")
    job.put("deep/b.txt", "two")
    made = job.run("backup")
    assert made.returncode == 0, made.stderr
    assert job.copied() == {"a.txt": "one", "deep/b.txt": "two"}
    assert job.source.rclone("purge", "s3:arches").returncode == 0
    restored = job.run("restore")
    assert restored.returncode == 0, restored.stderr
    assert _content(job.source, "s3:arches") == {"a.txt": "one", "deep/b.txt": "two"}


def test_replaced_and_deleted_objects_stay_beside_the_copy(job: Job) -> None:
    job.put("a.txt", "old")
    job.put("b.txt", "gone")
    assert job.run("backup").returncode == 0
    job.put("a.txt", "newer")
    assert job.source.rclone("deletefile", "s3:arches/b.txt").returncode == 0
    assert job.run("backup").returncode == 0
    assert job.copied() == {"a.txt": "newer"}
    replaced = _content(job.target, f"{TARGET}/replaced")
    assert {name.partition("/")[2]: text for name, text in replaced.items()} == {"a.txt": "old", "b.txt": "gone"}


def test_what_was_replaced_long_ago_goes(job: Job) -> None:
    job.put("a.txt", "1")
    assert job.run("backup").returncode == 0
    for when in ("20200101T000000Z", "29990101T000000Z"):
        assert job.target.rclone("copyto", f"{TARGET}/current/a.txt", f"{TARGET}/replaced/{when}/a.txt").returncode == 0
    done = job.run("backup")
    assert done.returncode == 0, done.stderr
    assert list(_content(job.target, f"{TARGET}/replaced")) == ["29990101T000000Z/a.txt"]


def test_an_emptied_bucket_does_not_empty_the_copy(job: Job) -> None:
    job.put("a.txt", "one")
    assert job.run("backup").returncode == 0
    assert job.source.rclone("delete", "s3:arches").returncode == 0
    done = job.run("backup")
    assert done.returncode == 65
    assert "nothing is copied" in done.stderr
    assert job.copied() == {"a.txt": "one"}


def test_a_missing_bucket_fails_and_the_copy_stays(job: Job) -> None:
    job.put("a.txt", "one")
    assert job.run("backup").returncode == 0
    assert job.source.rclone("purge", "s3:arches").returncode == 0
    assert job.run("backup").returncode != 0
    assert job.copied() == {"a.txt": "one"}


def test_objects_that_came_after_the_copy_stay_in_the_bucket(job: Job) -> None:
    job.put("a.txt", "one")
    assert job.run("backup").returncode == 0
    job.put("later.txt", "two")
    assert job.run("restore").returncode == 0
    assert _content(job.source, "s3:arches") == {"a.txt": "one", "later.txt": "two"}


def test_a_wrong_key_fails_and_says_so(job: Job) -> None:
    job.put("a.txt", "one")
    job.write_keys(job.target.access_key, "not-the-secret-key")
    done = job.run("backup")
    assert done.returncode != 0
    assert "SignatureDoesNotMatch" in done.stderr or "403" in done.stderr


def test_a_service_that_is_away_fails(job: Job) -> None:
    job.put("a.txt", "one")
    assert job.run("backup", {"RCLONE_CONFIG_TARGET_ENDPOINT": "http://127.0.0.1:1"}).returncode != 0


def test_a_bucket_that_is_written_to_meanwhile_is_copied_every_time(job: Job) -> None:
    job.put("a.txt", "one")
    script = 'n=0; while :; do n=$((n + 1)); echo "$n" | rclone rcat "s3:arches/stream/$n"; done'
    variables = {
        "RCLONE_CONFIG": "/nonexistent/rclone.conf",
        "RCLONE_CONFIG_S3_TYPE": "s3",
        "RCLONE_CONFIG_S3_PROVIDER": "Other",
        "RCLONE_CONFIG_S3_ENDPOINT": job.source.url,
        "RCLONE_CONFIG_S3_ACCESS_KEY_ID": job.source.access_key,
        "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": job.source.secret_key,
    }
    writer = subprocess.Popen(
        ["/bin/sh", "-c", script], env=servers.environment(variables), process_group=0,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(5):
            done = job.run("backup")
            assert done.returncode == 0, done.stderr
    finally:
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
    assert len(job.copied()) > 1
