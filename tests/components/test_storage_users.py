"""The users of the object storage: the Job's script against a real MinIO, and what each user's keys open.

RustFS is not proven by it; it serves the same administration API to the same client.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from archesai_infra.components.storage import metrics as storage_metrics
from archesai_infra.components.storage.users import User, buckets
from archesai_infra.stack.storage import storage_users
from testbed.backups import object_store, servers
from testbed.backups.object_store import ObjectStore
from testbed.components.parts import container, resource, variables
from testbed.matrix import ON
from testbed.programs import parts
from testbed.stacks import find, render

pytestmark = pytest.mark.long

STACK = {
    "storage": ON | {"server": "minio"},
    "monitoring": ON | {"logs": {"storage": "objectStorage"}},
    "backups": ON | {"bucket": "elsewhere", "existingSecret": "keys"},
}
USERS = {user.name: user for user in storage_users(render(STACK).settings)}
WRITERS = [user for user in USERS.values() if user.rights == "write"]
DENIED = "AccessDenied"


@dataclass
class Setup:
    """The Job's container on this host."""

    store: ObjectStore
    home: Path

    def run(self, secrets: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the container's command; `secrets` takes the place of users' secret keys."""
        stack = render(STACK)
        name = resource(stack, "storage-bucket-job").inputs["metadata"]["name"]
        maker = container(stack, "Job", name)
        keys = {name: secret_of(USERS[name]) for name in USERS} | (secrets or {})
        keys |= {"ACCESS_KEY": self.store.access_key, "SECRET_KEY": self.store.secret_key}
        for name, value in keys.items():
            self._write(name, value, 0o440)
        for name, text in find(stack, "ConfigMap", resource(stack, "storage-bucket-users").inputs["metadata"]["name"])[
            "data"
        ].items():
            self._write(name, text, 0o444)
        own = {
            "PATH": f"{self.home}:{servers.search_path()}",
            "STORE": self.store.url,
            "KEYS": str(self.home),
            "SCRIPTS": str(self.home),
            "MC_CONFIG_DIR": str(self.home / "mc-config"),
            "HOME": str(self.home),
            "WAIT": "1",
        }
        return servers.call(["/bin/sh", str(self.home / "users.sh")], variables(maker) | own, user=servers.UNPRIVILEGED)

    def _write(self, name: str, text: str, mode: int) -> None:
        path = self.home / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")
        servers.hand_over(path, mode)

    def client(self, user: User, *words: str) -> subprocess.CompletedProcess[str]:
        """rclone with a user's keys."""
        return ObjectStore(self.store.url, user.access_key, secret_of(user)).rclone(*words, "--retries", "1")

    def administer(self, access_key: str, secret_key: str, *words: str) -> subprocess.CompletedProcess[str]:
        """MinIO's own client with some keys."""
        login = f"http://{access_key}:{secret_key}@{urlsplit(self.store.url).netloc}"
        extra = {"MC_HOST_s": login, "MC_CONFIG_DIR": str(self.home / "root-config")}
        return servers.call([str(self.home / "mc"), *words], extra)

    def root(self, *words: str) -> subprocess.CompletedProcess[str]:
        """MinIO's own client with the administrator's keys."""
        return self.administer(self.store.access_key, self.store.secret_key, *words)


def secret_of(user: User) -> str:
    """The secret key of a user in these tests."""
    return f"made-up-key-of-{user.name}"


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store.object_store() as store:
        yield store


@pytest.fixture(scope="module")
def setup(server: ObjectStore) -> Iterator[Setup]:
    with servers.place() as home:
        made = Setup(server, home)
        # Built parts lie in the home directory of whoever built them.
        shutil.copyfile(parts.executables("minio")["mc"], home / "mc")
        servers.hand_over(home / "mc", 0o555)
        done = made.run()
        assert done.returncode == 0, done.stdout + done.stderr
        for bucket in ("arches", "arches-logs"):
            assert server.rclone("touch", f"s3:{bucket}/there").returncode == 0
        yield made


def test_the_job_makes_every_bucket_and_can_run_again(setup: Setup) -> None:
    listed = setup.store.rclone("lsf", "s3:").stdout.split()
    assert set(listed) == {f"{bucket}/" for bucket in buckets("arches", list(USERS.values()))}
    again = setup.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "is not of this stack" not in again.stdout


@pytest.mark.parametrize("user", WRITERS, ids=lambda user: user.name)
def test_a_writing_user_reads_writes_and_deletes_in_its_bucket(setup: Setup, user: User) -> None:
    large = setup.home / "large"
    large.write_bytes(b"x" * 12_000_000)
    for words in (
        ("copyto", str(large), f"s3:{user.bucket}/large", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M"),
        ("lsf", f"s3:{user.bucket}"),
        ("cat", f"s3:{user.bucket}/there"),
        ("deletefile", f"s3:{user.bucket}/large"),
    ):
        done = setup.client(user, *words, "--s3-no-check-bucket")
        assert done.returncode == 0, done.stderr


def test_the_copy_s_user_only_reads(setup: Setup) -> None:
    user = USERS["objects"]
    assert "there" in setup.client(user, "lsf", "s3:arches").stdout
    assert setup.client(user, "cat", "s3:arches/there").returncode == 0
    for words in (("touch", "s3:arches/new"), ("deletefile", "s3:arches/there")):
        done = setup.client(user, *words, "--s3-no-check-bucket")
        assert done.returncode != 0
        assert DENIED in done.stderr


@pytest.mark.parametrize("user", USERS.values(), ids=lambda user: user.name)
def test_no_user_uses_another_bucket_or_makes_one(setup: Setup, user: User) -> None:
    other = "arches-logs" if user.bucket != "arches-logs" else "arches"
    for words in (("lsf", f"s3:{other}"), ("cat", f"s3:{other}/there"), ("mkdir", "s3:made")):
        done = setup.client(user, *words)
        assert done.returncode != 0, words
        assert DENIED in done.stderr, words


@pytest.mark.parametrize("user", USERS.values(), ids=lambda user: user.name)
def test_no_user_administers_the_server(setup: Setup, user: User) -> None:
    for words in (("admin", "user", "list", "s"), ("admin", "user", "add", "s", "back-door", "made-up-secret")):
        done = setup.administer(user.access_key, secret_of(user), *words)
        assert done.returncode != 0, words
        assert "Access Denied" in done.stdout + done.stderr, words
    assert setup.root("admin", "user", "info", "s", "back-door").returncode != 0


def test_prometheus_reads_the_metrics_with_its_user_s_token(setup: Setup) -> None:
    user = USERS["prometheus"]
    token = storage_metrics.token(user.access_key, secret_of(user))
    for path in storage_metrics.PATHS:
        answer = urllib3.request("GET", setup.store.url + path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 200
        assert b"minio_" in answer.data


def test_rights_that_somebody_added_are_taken_back_and_foreign_users_are_named(setup: Setup) -> None:
    user = USERS["api"]
    assert setup.root("admin", "policy", "attach", "s", "consoleAdmin", "--user", user.access_key).returncode == 0
    assert setup.root("admin", "user", "add", "s", "back-door", "made-up-secret").returncode == 0
    done = setup.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "user back-door is not of this stack" in done.stdout
    info = json.loads(setup.root("admin", "user", "info", "s", user.access_key, "--json").stdout)
    assert info["policyName"] == user.access_key
    assert setup.root("admin", "user", "remove", "s", "back-door").returncode == 0


def test_a_new_secret_key_takes_the_place_of_the_old_one(setup: Setup) -> None:
    assert setup.run({"api": "another/made-up+=&%key"}).returncode == 0
    changed = ObjectStore(setup.store.url, USERS["api"].access_key, "another/made-up+=&%key")
    assert changed.rclone("lsf", "s3:arches").returncode == 0
    refused = setup.client(USERS["api"], "lsf", "s3:arches")
    assert refused.returncode != 0
    assert "SignatureDoesNotMatch" in refused.stderr
    assert setup.run().returncode == 0
    assert setup.client(USERS["api"], "lsf", "s3:arches").returncode == 0
