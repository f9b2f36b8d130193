from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from archesai_infra.cli.backups.recovery_kit import collect, write
from archesai_infra.cli.backups.store import Store
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.kubeconfig import connect
from testbed.cli.worlds import room_for
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import ON
from testbed.stacks import ROOT, render

pytestmark = pytest.mark.cluster

PASSWORDS = {
    ("kit-velero", "velero-repo-credentials", "repository-password"): "backupsRepositoryPassword",
    ("kit", "archesai-database", "POSTGRES_PASSWORD"): "databasePassword",
    ("kit-monitoring", "grafana-admin", "admin-password"): "grafanaAdminPassword",
}
"""Namespace, Secret and key of each password that opens kept data, and its key in the kit."""


@pytest.fixture
def values(control_plane: ControlPlane) -> Iterator[dict[str, str]]:
    """Each password by its key in the kit, as the cluster has them."""
    found: dict[str, str] = {}
    made: list[Object] = []
    for (namespace, name, key), credential in PASSWORDS.items():
        found[credential] = secrets.token_urlsafe(24)
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        control_plane.api.create(made[-1])
        metadata = {"name": name, "namespace": namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {key: found[credential]}}
        control_plane.api.create(secret)
    yield found
    for namespace in made:
        control_plane.api.delete(namespace)


def test_the_kit_holds_every_password_that_a_kept_volume_or_backup_wants(
    values: dict[str, str], control_plane: ControlPlane
) -> None:
    backups = {"bucket": "backups", "endpoint": "https://s3.example.com", "existingSecret": "keys"}
    config = {
        "namespace": "kit",
        "backups": ON | backups | {"velero": {"namespace": "kit-velero"}},
        "monitoring": ON | {"namespace": "kit-monitoring"},
    }
    with connect(None, str(control_plane.admin_kubeconfig)) as cluster:
        kit = yaml.safe_load(collect(Store(cluster, "dev", render(config).settings), ROOT))
    assert kit["credentials"] == values


def test_a_kit_is_not_written_where_it_would_be_committed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    with pytest.raises(CommandError, match="is inside the Git work tree"):
        write("passwords", tmp_path / "deep" / "kit.yaml")
    assert not (tmp_path / "deep" / "kit.yaml").exists()


def test_no_half_of_a_kit_is_left_where_the_disk_is_full(tmp_path: Path) -> None:
    with room_for(1000), pytest.raises(OSError, match="kit"):
        write("x" * 5000, tmp_path / "kit.yaml")
    assert list(tmp_path.iterdir()) == []
    write("passwords", tmp_path / "kit.yaml")
    assert (tmp_path / "kit.yaml").stat().st_mode & 0o777 == 0o600
