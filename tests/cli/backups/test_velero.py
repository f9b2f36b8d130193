"""Our Schedule, hooks and commands with the real Velero: what it backs up comes back."""

from __future__ import annotations

import json
import shutil
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from archesai_infra.cli.app import app
from archesai_infra.stack.backups import alert_rules
from testbed.backups import servers, velero_rig
from testbed.backups.velero_rig import Rig
from testbed.monitoring.promql import selectors

# Velero also listens on every address, at port 8080.
pytestmark = [pytest.mark.cluster, pytest.mark.own_network, pytest.mark.timeout(600)]
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai"}}
DUMP_SET = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "archesai-dump", "namespace": "archesai"},
}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """One stack with its Velero."""
    with velero_rig.running() as found:
        yield found


@pytest.fixture(scope="module")
def arches(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arches]:
    """The command, in a project whose production stack is the rig's."""
    project = tmp_path_factory.mktemp("project")
    config = {f"archesai:{key}": value for key, value in rig.config.items()}
    (project / "Pulumi.yaml").write_text("name: archesai\nruntime: python\n")
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        yield Arches(project)


@pytest.fixture(scope="module")
def good(rig: Rig, arches: Arches) -> str:
    """Name of a proved backup of what `_fill` fills in, for those that only read it."""
    _fill(rig)
    return str(arches.backup()["name"])


class Arches:
    """Calls of `arches`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, command: str, *words: str, typed: str = "") -> Any:  # noqa: ANN401 - Typer does not say what its runner returns
        """Run a sub-command on the production stack."""
        return CliRunner().invoke(app, [*command.split(), "--stack", "prod", *words], input=typed)

    def backup(self) -> dict[str, Any]:
        """A proved backup."""
        done = self("backup create", "--wait", "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def _fill(rig: Rig) -> None:
    rig.data[velero_rig.NAMESPACE].fill()


def _content(rig: Rig) -> tuple[str, str]:
    return rig.data[velero_rig.NAMESPACE].content()


def _is_of_the_namespace(item: dict[str, Any]) -> bool:
    """Whether an object is the stack's namespace or a Secret in it."""
    metadata = item["metadata"]
    kind, names = item["kind"], (metadata["name"], metadata.get("namespace"))
    return (kind == "Namespace" and names[0] == "archesai") or (kind == "Secret" and names[1] == "archesai")


def _kinds_in_the_bucket(rig: Rig, name: str) -> set[str]:
    """Kinds of the objects in a backup's archive, as Velero names them."""
    path = f"{velero_rig.BUCKET}/velero/backups/{name}/{name}.tar.gz"
    with servers.place() as directory:
        copied = rig.store.rclone("copyto", f"s3:{path}", str(directory / "archive"))
        assert copied.returncode == 0, copied.stderr
        with tarfile.open(directory / "archive") as archive:
            paths = [member.split("/") for member in archive.getnames()]
    kinds = {path[1].partition(".")[0] for path in paths if path[0] == "resources"}
    assert {"configmaps", "persistentvolumeclaims"} <= kinds
    return kinds


def _lose(rig: Rig) -> None:
    """The namespace with everything in it, and what the servers held."""
    rig.plane.api.delete(NAMESPACE)
    rig.plane.wait_gone(NAMESPACE, seconds=120)
    rig.data[velero_rig.NAMESPACE].empty()


def _workloads(rig: Rig, namespace: str = "archesai") -> set[str]:
    kinds = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("batch/v1", "CronJob"), ("v1", "Service"))
    return {
        f"{kind} {item['metadata']['name']}"
        for version, kind in kinds
        for item in rig.plane.api.list(version, kind, namespace)
    }


def _claims(rig: Rig, namespace: str) -> dict[str, tuple[str, str]]:
    """Volume and phase by claim."""
    found = rig.plane.api.list("v1", "PersistentVolumeClaim", namespace)
    return {one["metadata"]["name"]: (one["spec"].get("volumeName", ""), one["status"]["phase"]) for one in found}


def test_a_lost_namespace_comes_back_with_the_content_of_the_schedule_s_backup(rig: Rig, arches: Arches) -> None:
    _fill(rig)
    content, workloads = _content(rig), _workloads(rig)
    secrets = {item["metadata"]["name"]: item.get("data") for item in rig.plane.api.list("v1", "Secret", "archesai")}
    claims = _claims(rig, "archesai")
    name = _scheduled(rig)
    assert "secrets" not in _kinds_in_the_bucket(rig, name)
    _lose(rig)
    # There is no state here that the command could take them from.
    kept = [item for item in rig.evaluation.objects if _is_of_the_namespace(item)]
    rig.plane.apply(sorted(kept, key=lambda item: item["kind"] != "Namespace")).check()
    restored = arches("restore", "--from", name, "--confirm", "archesai")
    assert restored.exit_code == 0, restored.output + rig.velero_log + str(rig.agent.errors)
    assert _content(rig) == content
    assert _workloads(rig) == workloads
    for item in rig.plane.api.list("v1", "Secret", "archesai"):
        assert secrets[item["metadata"]["name"]] == item.get("data")
    copy_job = rig.object("CronJob", "archesai-backups-objects", "archesai", "batch/v1")
    assert copy_job
    assert copy_job["spec"]["suspend"] is False
    # The servers have their volumes again; that of the dumps is a new one, filled from the bucket.
    found = _claims(rig, "archesai")
    assert {found[one] == claims[one] for one in claims if one != "archesai-dump-data"} == {True}
    assert found["archesai-dump-data"] != claims["archesai-dump-data"]


@pytest.mark.parametrize(
    "words",
    [
        ["get", "secrets", "--namespace=kube-system"],
        ["get", "secrets", "--namespace=archesai"],
        ["get", "configmaps", "--namespace=kube-system"],
        ["create", "clusterrolebinding", "planted", "--clusterrole=cluster-admin", "--user=planted"],
        ["create", "rolebinding", "planted", "--clusterrole=cluster-admin", "--user=planted", "--namespace=archesai"],
        ["create", "deployment", "planted", "--image=planted", "--namespace=kube-system"],
        ["create", "namespace", "planted"],
        ["delete", "pod", "archesai-dump-0", "--namespace=archesai"],
    ],
    ids=lambda words: " ".join(words[:3] + words[-1:]),
)
def test_velero_s_account_reaches_nothing_that_backups_and_restores_do_not_need(rig: Rig, words: list[str]) -> None:
    assert rig.plane.kubectl(*words, "--dry-run=server" if words[0] != "get" else "--output=name").returncode == 0
    refused = rig.plane.kubectl(*words, kubeconfig=rig.account)
    assert "forbidden" in refused.stderr.lower()
    assert refused.returncode == 1


def test_velero_s_account_runs_commands_in_the_dump_pod_alone(rig: Rig) -> None:
    for pod, answer in (("archesai-dump-0", "yes"), ("archesai-postgres-0", "no")):
        asked = ["auth", "can-i", "create", f"pods/{pod}", "--subresource=exec", "--namespace=archesai"]
        assert rig.plane.kubectl(*asked, kubeconfig=rig.account).stdout.strip() == answer


def test_a_backup_of_another_namespace_fails_and_holds_nothing_of_it(rig: Rig) -> None:
    backup: dict[str, Any] = {
        "apiVersion": "velero.io/v1",
        "kind": "Backup",
        "metadata": {"name": "of-another", "namespace": "velero"},
        "spec": {"includedNamespaces": ["kube-system"], "includedResources": ["configmaps"], "snapshotVolumes": False},
    }
    rig.plane.api.create(backup)
    ended: dict[str, Any] = {}

    def probe() -> list[str]:
        ended.update((rig.plane.api.read(backup) or {}).get("status", {}))
        return [] if ended.get("completionTimestamp") else [str(ended)]

    rig.plane.wait_for("the end of the backup", probe, seconds=60)
    assert ended["phase"] == "PartiallyFailed"
    assert "progress" not in ended or ended["progress"].get("itemsBackedUp", 0) <= 1


def test_the_server_has_every_series_that_the_alerts_select(rig: Rig) -> None:
    _fill(rig)
    _scheduled(rig)
    served = {_sample(line) for line in rig.metrics()}
    rules = alert_rules(rig.evaluation.settings, "prod")
    selected = {one for rule in rules for one in selectors(rule.expr) if one.startswith("velero_")}
    assert {one.partition("{")[0] for one in selected} == {
        "velero_backup_location_status_gauge",
        "velero_backup_last_successful_timestamp",
        "velero_backup_partial_failure_total",
        "velero_backup_failure_total",
        "velero_backup_validation_failure_total",
    }
    assert selected - served == set()


def _sample(line: str) -> str:
    """A sample's name and labels, as the alerts have them."""
    return line.rpartition(" ")[0]


def _scheduled(rig: Rig) -> str:
    """A backup that Velero made by itself at the Schedule's time."""
    schedule = {"apiVersion": "velero.io/v1", "kind": "Schedule",
                "metadata": {"name": "archesai-prod-hourly", "namespace": "velero"}}  # fmt: skip
    before = {item["metadata"]["name"] for item in rig.plane.api.list("velero.io/v1", "Backup", "velero")}
    # Due at once: Velero looks each minute, and the first of those would be too early.
    rig.plane.api.patch(schedule, {"spec": {"paused": False}, "status": {"lastBackup": "2020-01-01T00:00:00Z"}})
    try:
        found: list[dict[str, Any]] = []

        def probe() -> list[str]:
            made = rig.plane.api.list(
                "velero.io/v1", "Backup", "velero", labels="velero.io/schedule-name=archesai-prod-hourly"
            )
            found[:] = [item for item in made if item["metadata"]["name"] not in before]
            done = [item for item in found if item.get("status", {}).get("completionTimestamp")]
            return [] if done else [f"{len(found)} begun", *rig.agent.errors]

        rig.plane.wait_for("a scheduled backup", probe, seconds=200)
    finally:
        rig.plane.api.patch(schedule, {"spec": {"paused": True}})
    ended = next(item for item in found if item.get("status", {}).get("completionTimestamp"))
    assert ended["status"]["phase"] == "Completed", (ended["status"], rig.velero_log)
    assert ended["status"]["hookStatus"] == {"hooksAttempted": 2}
    return str(ended["metadata"]["name"])


def test_one_module_s_content_goes_back_to_an_older_backup_while_the_rest_runs_on(
    rig: Rig, arches: Arches, good: str
) -> None:
    _fill(rig)
    content = _content(rig)
    rig.postgres.sql("DELETE FROM orders WHERE id > 10")
    rig.redis.cli("SET", "session", "newer")
    restored = arches("restore", "--from", good, "--module", "database", "--confirm", "archesai")
    assert restored.exit_code == 0, restored.output
    assert _content(rig) == (content[0], "newer")


def test_a_dump_that_the_volume_no_longer_has_comes_from_the_bucket(rig: Rig, arches: Arches, good: str) -> None:
    _fill(rig)
    content = _content(rig)
    shutil.rmtree(rig.volume() / "database")
    rig.postgres.sql("DELETE FROM orders")
    restored = arches("restore", "--from", good, "--module", "database", "--confirm", "archesai")
    assert restored.exit_code == 0, restored.output + str(rig.agent.errors)
    assert _content(rig) == content


def test_a_failed_hook_is_no_success(rig: Rig, arches: Arches) -> None:
    _fill(rig)
    rig.postgres.sql("DROP TABLE orders")
    done = arches("backup create", "--wait")
    assert done.exit_code == 1
    assert "PartiallyFailed" in done.output
    assert "dumps failed" in done.output


def test_a_backup_whose_hook_met_no_pod_is_no_success_though_velero_calls_it_complete(rig: Rig, arches: Arches) -> None:
    _fill(rig)
    rig.plane.api.patch(DUMP_SET, {"spec": {"replicas": 0}})
    rig.plane.wait_gone(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "archesai-dump-0", "namespace": "archesai"}}
    )
    try:
        done = arches("backup create", "--wait")
        assert done.exit_code == 1
        assert "Completed" in done.output
        assert "0 of 2 dumps ran" in done.output
        listed = json.loads(arches("backups", "--json").stdout)
        assert listed[0]["problems"]
    finally:
        rig.plane.api.patch(DUMP_SET, {"spec": {"replicas": 1}})
        rig.plane.wait_ready(DUMP_SET)


def test_backups_are_listed_with_age_size_phase_and_content(rig: Rig, arches: Arches) -> None:
    _fill(rig)
    made = arches.backup()
    listed = arches("backups", "--json")
    assert listed.exit_code == 0, listed.output
    first = json.loads(listed.stdout)[0]
    assert first["name"] == made["name"]
    assert first["phase"] == "Completed"
    assert first["contents"] == ["database", "redis"]
    assert first["bytes"] > 10_000
    assert set(made["dumps"]) == {"database", "redis"}
    shown = arches("backups").stdout
    assert made["name"] in shown
    assert "The bucket holds at most" in shown


@pytest.mark.parametrize("cause", ["unreachable bucket", "wrong key"])
def test_a_bucket_that_cannot_be_used_is_said_at_once(rig: Rig, arches: Arches, cause: str) -> None:
    location = rig.object("BackupStorageLocation", "default")
    secret = rig.object("Secret", "cloud-credentials", api="v1")
    assert location
    assert secret
    if cause == "unreachable bucket":
        rig.plane.api.patch(location, {"spec": {"config": {"s3Url": "http://127.0.0.1:1"}}})
    else:
        wrong = "[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
        rig.plane.api.patch(secret, {"stringData": {"cloud": wrong}})
    try:
        rig.location_is("Unavailable")
        for command in (("backup create", "--wait"), ("restore", "--from", "latest")):
            done = arches(*command)
            assert done.exit_code == 1
            assert "the backups' bucket cannot be used" in done.output
    finally:
        rig.plane.api.patch(location, {"spec": {"config": location["spec"]["config"]}})
        rig.plane.api.patch(secret, {"data": secret["data"]})
        rig.location_is("Available")
        rig.forget_repositories()


def test_an_expired_backup_is_refused(rig: Rig, arches: Arches, good: str) -> None:
    _fill(rig)
    backup = rig.object("Backup", good)
    assert backup
    rig.plane.api.patch(backup, {"status": {"expiration": "2020-01-01T00:00:00Z"}})
    try:
        done = arches("restore", "--from", good, "--module", "database", "--confirm", "archesai")
    finally:
        rig.plane.api.patch(backup, {"status": {"expiration": backup["status"]["expiration"]}})
    assert done.exit_code == 2
    assert "has expired" in done.output


def test_a_restore_into_a_namespace_that_is_not_empty_is_refused(rig: Rig, arches: Arches, good: str) -> None:
    _fill(rig)
    done = arches("restore", "--from", good, "--confirm", "archesai")
    assert done.exit_code == 2
    assert "is not empty" in done.output
    assert "--module" in done.output


def test_a_restore_that_never_ends_is_left_with_its_own_exit_code(rig: Rig, arches: Arches, good: str) -> None:
    _fill(rig)
    shutil.rmtree(rig.volume() / "database")
    rig.velero().send_signal(signal.SIGSTOP)
    try:
        done = arches("restore", "--from", good, "--module", "database", "--confirm", "archesai", "--timeout", "5")
    finally:
        rig.velero().send_signal(signal.SIGCONT)
    assert done.exit_code == 6
    assert "continues in the cluster" in done.output
    time.sleep(5)
    rig.plane.wait_ready(DUMP_SET)


def test_production_is_typed_and_a_wrong_word_changes_nothing(rig: Rig, arches: Arches, good: str) -> None:
    _fill(rig)
    rig.postgres.sql("DELETE FROM orders WHERE id > 1")
    done = arches("restore", "--from", good, "--module", "database", typed="production\n")
    assert done.exit_code == 2
    assert rig.postgres.sql("SELECT count(*) FROM orders") == "1"


def test_a_copy_beside_the_stack_has_the_backup_s_content_and_leaves_the_stack_alone(
    rig: Rig, arches: Arches, good: str
) -> None:
    _fill(rig)
    content, claims, workloads = _content(rig), _claims(rig, "archesai"), _workloads(rig)
    rig.postgres.sql("DELETE FROM orders WHERE id > 10")
    newer = _content(rig)
    plan = arches("restore", "--from", good, "--into", "archesai-copy", "--plan")
    assert plan.exit_code == 0, plan.output
    assert "into namespace archesai-copy" in plan.output
    assert rig.object("Namespace", "archesai-copy", "", "v1") is None
    try:
        done = arches("restore", "--from", good, "--into", "archesai-copy", "--confirm", "archesai-copy")
        assert done.exit_code == 0, done.output + rig.velero_log + str(rig.agent.errors)
        assert rig.data[velero_rig.COPY].content() == content
        assert _content(rig) == newer
        for kind, api in (("Namespace", "v1"), ("RoleBinding", "rbac.authorization.k8s.io/v1")):
            name = "archesai-velero" if kind == "RoleBinding" else "archesai-copy"
            made = rig.object(kind, name, "archesai-copy" if kind == "RoleBinding" else "", api)
            assert made
            # The engine would see a change of an object that lacks it.
            assert made["metadata"]["annotations"]["pulumi.com/patchFieldManager"] == "archesai-prod"
        assert _claims(rig, "archesai") == claims
        copied = _claims(rig, "archesai-copy")
        assert copied.keys() == claims.keys()
        assert {phase for _, phase in copied.values()} == {"Bound"}
        assert not set(copied.values()) & set(claims.values())
        never = {"CronJob archesai-backups-objects", "CronJob archesai-backups-drill"}
        assert _workloads(rig, "archesai-copy") == workloads - never
        assert not rig.plane.api.list("networking.k8s.io/v1", "Ingress", "archesai-copy")
    finally:
        copy = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai-copy"}}
        rig.plane.api.delete(copy)
        rig.plane.wait_gone(copy, seconds=120)


def test_the_recovery_kit_holds_the_repository_s_password_and_the_database_s(rig: Rig, arches: Arches) -> None:
    kit = arches.directory / "kit.yaml"
    done = arches("recovery-kit", "--output", str(kit))
    assert done.exit_code == 0, done.output
    found = yaml.safe_load(kit.read_text())
    repository = rig.object("Secret", "velero-repo-credentials", api="v1")
    assert repository
    assert len(found["credentials"]["backupsRepositoryPassword"]) == 32
    assert found["credentials"]["databasePassword"]
    assert found["stackFile"] == (arches.directory / "Pulumi.prod.yaml").read_text()
    assert kit.stat().st_mode & 0o777 == 0o600
    again = arches("recovery-kit", "--output", str(kit))
    assert again.exit_code == 2
