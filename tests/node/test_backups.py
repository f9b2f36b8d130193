"""The real Velero on real nodes: a backup under writes, the loss of the namespace, and its restore by the commands."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.backups.restore_plan import DATA_MODULES
from archesai_infra.components import database
from archesai_infra.components.backups import objects
from archesai_infra.components.backups.schedules import LOCATION
from testbed.controlplane.api import Object
from testbed.engine.stack import Outcome
from testbed.node.bucket import BUCKET
from testbed.node.content import Content, content, count, fill
from testbed.node.deployed import DeployedStack
from testbed.node.module_restores import restore_in_use
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack, unready

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

VELERO = "velero.io/v1"
SECONDS = 300.0
"""Bound on each step, and on the writes."""


@dataclass
class Story:
    """A loss of a namespace and what came after it."""

    backup: dict[str, Any]
    listed: str
    kit: dict[str, Any]
    """The recovery kit, written before the loss."""
    password: str
    """The database's at that time."""
    before: Content
    after: Content
    written_during: int
    """Rows that the database held when the backup had ended."""
    kept_of_these: int
    unready: list[str]
    drift: Outcome


@pytest.fixture(scope="module")
def story(
    nodes: Nodes,
    running: Callable[[str], LiveStack],
    deploying: Callable[[str], DeployedStack],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Production, whose namespace is lost and restored."""
    running("prod")
    return live(nodes, deploying("prod"), tmp_path_factory.mktemp("kit") / "kit.yaml")


def live(nodes: Nodes, stack: DeployedStack, kit: Path) -> Story:
    arches = stack.deployment.arches
    wait_for_location(stack)
    fill(nodes, stack)
    copy_objects(stack)
    before = content(nodes, stack)
    with writing(nodes, stack) as writer:
        said = arches("backup", "create", "--wait", "--json").check().text
        backup = json.loads(said[said.index("{") :])
        assert writer.poll() is None, "the backup was made after the writes"
        during = count(nodes, stack, database.MODULE)
        listed = arches("backup", "list", "--json").check().text
        arches("backup", "kit", "--output", str(kit)).check()
        password = database_password(stack)
        lose_namespace(stack)
    restore(stack, backup["name"])
    after, kept = content(nodes, stack), count(nodes, stack, database.MODULE)
    arches("up", "--refresh", "--yes", "--no-policy").check()
    stack.wait_ready()
    drift = stack.deployment.run("preview", "--refresh", "--expect-no-changes")
    written_kit = yaml.safe_load(kit.read_text(encoding="utf-8"))
    return Story(backup, listed, written_kit, password, before, after, during, kept, unready(stack), drift)


def wait_for_location(stack: DeployedStack) -> None:
    """Wait until Velero has found the bucket."""
    home = stack.evaluation.settings.backups.velero.namespace

    def missing() -> list[str]:
        status = stack.cluster.api.get(VELERO, "BackupStorageLocation", LOCATION, home).get("status", {})
        return [] if status.get("phase") == "Available" else [str(status)]

    stack.cluster.wait_for("the bucket is found", missing)


def copy_objects(stack: DeployedStack) -> None:
    """Copy the bucket now, as its CronJob does at its time."""
    where = f"--namespace={stack.namespace}"
    made = stack.cluster.kubectl("create", "job", "copy-now", f"--from=cronjob/{objects.NAME}", where)
    assert made.returncode == 0, made.stderr
    metadata = {"name": "copy-now", "namespace": stack.namespace}
    stack.cluster.wait_ready({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata})


@contextmanager
def writing(nodes: Nodes, stack: DeployedStack) -> Generator[subprocess.Popen[str]]:
    """Rows written by the api until the end of the context, or of its pod."""
    pod = stack.pod("api")["metadata"]["name"]
    command = ("archesai", "write", f"-seconds={SECONDS}", "database")
    process = stack.cluster.beside("exec", f"--namespace={stack.namespace}", pod, "--", *command)
    try:
        stack.cluster.wait_for("rows are written", lambda: [] if count(nodes, stack, database.MODULE) else ["none yet"])
        yield process
    finally:
        process.kill()
        process.communicate()


def database_password(stack: DeployedStack) -> str:
    """What the database's Secret holds."""
    data = stack.cluster.api.get("v1", "Secret", "archesai-database", stack.namespace)["data"]
    return base64.b64decode(data["POSTGRES_PASSWORD"]).decode()


def lose_namespace(stack: DeployedStack) -> None:
    """Delete it with everything in it, volumes too."""
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stack.namespace}}
    stack.cluster.api.delete(namespace)
    stack.cluster.wait_gone(namespace, seconds=SECONDS)


def restore(stack: DeployedStack, backup: str) -> None:
    """Restore it, and bring what the stack does not make as soon as the command asks for it."""
    chosen = ("--from", backup, "--confirm", stack.namespace, f"--timeout={SECONDS:.0f}")
    running = stack.deployment.start_arches("restore", *chosen)
    running.until(lambda said: "pods wait for a Secret that the stack does not make" in said)
    stack.hand_over()
    running.wait(SECONDS).check()


def test_a_backup_that_is_made_under_writes_holds_its_dumps_and_is_listed(story: Story) -> None:
    assert set(story.backup["dumps"]) == {"database", "redis"}
    assert story.backup["problems"] == []
    assert story.backup["name"] in story.listed


def test_rows_keys_and_objects_of_a_lost_namespace_come_back_as_they_were(story: Story) -> None:
    assert story.after == story.before


def test_rows_that_were_written_during_the_backup_come_back_up_to_its_dump(story: Story) -> None:
    assert 0 < story.kept_of_these <= story.written_during


def test_after_the_next_up_the_stack_is_whole_and_nothing_is_left_to_change(story: Story) -> None:
    assert story.unready == []
    assert story.drift.status == 0, story.drift.text


def test_the_recovery_kit_holds_the_password_and_the_bucket_of_the_stack_that_was_lost(story: Story) -> None:
    assert story.kit["credentials"]["databasePassword"] == story.password
    assert story.kit["bucket"]["name"] == BUCKET


@pytest.mark.parametrize("module", DATA_MODULES)
def test_a_module_that_is_written_to_has_its_lost_content_again_and_the_application_runs_on(
    nodes: Nodes, deploying: Callable[[str], DeployedStack], story: Story, module: str
) -> None:
    stack = deploying("prod")
    try:
        restored = restore_in_use(nodes, stack, story.backup["name"], module)
    finally:
        drop_kept_databases(stack)
    said = restored.outcome.check().text
    assert restored.damaged
    assert restored.whole, said
    assert not restored.restarted
    assert stack.exec("api", "archesai", "check")


def drop_kept_databases(stack: DeployedStack) -> None:
    """Drop what restores have kept of the database before."""
    for name in stack.sql("select datname from pg_database where datname like 'archesai_before_%'").splitlines():
        stack.sql(f'drop database "{name}" with (force)')
