"""What doctor says about the backups' bucket, asked of a real S3 service with the keys in the cluster's Secrets."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.doctor.bucket import CHECK, KEYS_CHECK, findings
from archesai_infra.cli.doctor.report import Finding
from testbed.backups.object_store import ObjectStore, object_store
from testbed.backups.servers import needs
from testbed.controlplane.api import Object
from testbed.controlplane.ports import free_ports
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import ON
from testbed.stacks import Config, render

pytestmark = [pytest.mark.cluster, pytest.mark.long]

VELERO, STACK = "doctor-velero", "doctor-bucket"
RETENTION = (
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    "<Rule><DefaultRetention><Mode>{}</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    needs("curl")
    with object_store() as running:
        yield running


def _made(store: ObjectStore, name: str, *, mode: str | None = None, versions: bool = False) -> str:
    """A new bucket, with an object lock of this mode."""
    lock = ["--header", "x-amz-bucket-object-lock-enabled: true"] if mode else []
    done = [store.rclone("mkdir", f"s3:{name}", *lock)]
    if versions:
        done.append(store.rclone("backend", "versioning", f"s3:{name}", "Enabled"))
    if mode:
        done.append(_put(f"{store.url}/{name}?object-lock=", RETENTION.format(mode), store))
    assert all(one.returncode == 0 for one in done), done
    return name


def _put(url: str, body: str, store: ObjectStore) -> subprocess.CompletedProcess[str]:
    """A request that another client than the tested one signs."""
    login = f'user = "{store.access_key}:{store.secret_key}"\naws-sigv4 = "aws:amz:us-east-1:s3"\n'
    unsigned = ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--data-binary", body]
    command = ["curl", "--config", "-", "--noproxy", "*", "--fail", "--silent", "--request", "PUT", *unsigned, url]
    return subprocess.run(command, input=login, text=True, capture_output=True, check=False, timeout=60)


def _config(url: str, bucket: str) -> Config:
    backups = {"bucket": bucket, "endpoint": url, "existingSecret": "cloud", "velero": {"namespace": VELERO}}
    return {"namespace": STACK, "storage": ON, "backups": ON | backups}


@contextmanager
def _keys(rig: ControlPlane, velero: str, copy: str) -> Generator[None]:
    """Secrets with credentials files in the two namespaces."""
    namespaces = [_object("Namespace", name) for name in (VELERO, STACK)]
    secrets = [
        {**_object("Secret", "cloud", namespace), "stringData": {"cloud": text}}
        for namespace, text in ((VELERO, velero), (STACK, copy))
    ]
    rig.apply([*namespaces, *secrets]).check()
    try:
        yield
    finally:
        for item in secrets:
            rig.api.delete(item)


def _object(kind: str, name: str, namespace: str | None = None) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _found(rig: ControlPlane, config: Config) -> dict[str, Finding]:
    with connect(None, str(rig.admin_kubeconfig)) as cluster:
        found = list(findings(cluster, render(config).settings, datetime.now(UTC)))
    return {finding.check: finding for finding in found}


def _login(access: str, secret: str) -> str:
    return f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n"


def test_a_bucket_is_judged_by_its_lock_and_its_versions(store: ObjectStore, control_plane: ControlPlane) -> None:
    buckets = {
        _made(store, "open"): ("warning", "no object lock and no versions"),
        _made(store, "versions", versions=True): ("warning", "no object lock by default; versions stay only if"),
        _made(store, "governance", mode="GOVERNANCE"): ("warning", "mode GOVERNANCE, for 30 days: keys with the right"),
        _made(store, "compliance", mode="COMPLIANCE"): ("ok", "object lock, mode COMPLIANCE, for 30 days"),
        "missing": ("warning", "answers 404 about missing"),
    }
    own = _login(store.access_key, store.secret_key)
    with _keys(control_plane, own, _login("another", "key")):
        for name, (status, text) in buckets.items():
            found = _found(control_plane, _config(store.url, name))
            assert found[CHECK].status == status, found
            assert text in found[CHECK].text
            assert found[KEYS_CHECK].status == "ok"


def test_a_key_that_both_writers_have_is_named(store: ObjectStore, control_plane: ControlPlane) -> None:
    own = _login(store.access_key, store.secret_key)
    with _keys(control_plane, own, own):
        found = _found(control_plane, _config(store.url, "missing"))
    assert found[KEYS_CHECK].status == "warning"
    assert "backups.existingSecret" in found[KEYS_CHECK].cure
    assert store.secret_key not in str(found)


def test_a_bucket_that_cannot_be_asked_is_no_problem(store: ObjectStore, control_plane: ControlPlane) -> None:
    refused = _login("unknown", "key")
    with _keys(control_plane, refused, refused):
        found = _found(control_plane, _config(store.url, _made(store, "refusing")))
        assert (found[CHECK].status, "may not ask" in found[CHECK].text) == ("skipped", True)
        [port] = free_ports(1)
        found = _found(control_plane, _config(f"http://127.0.0.1:{port}", "gone"))
        assert (found[CHECK].status, "cannot be reached" in found[CHECK].text) == ("skipped", True)
    with _keys(control_plane, "not a credentials file", refused):
        found = _found(control_plane, _config(store.url, "missing"))
        assert (found[CHECK].status, "no keys that can be read" in found[CHECK].text) == ("skipped", True)
    found = _found(control_plane, {"namespace": STACK})
    assert found[CHECK].status == "skipped"
