"""The upgrade of a database to another major version on real nodes: faults half-way, the switch, and the way back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from archesai_infra.cli.upgrade.objects import NAME
from archesai_infra.components import database
from archesai_infra.components.backups import dump
from archesai_infra.components.backups.schedules import CONTAINERS
from testbed.cluster.scenarios import alone
from testbed.controlplane.api import Object
from testbed.engine.stack import Operation
from testbed.node.cluster import Cluster
from testbed.node.deployed import DeployedStack, Engine
from testbed.node.images.postgres import NEXT_TAG
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack, NodeStack
from testbed.stacks import Config

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

VERSION = "18"
NEW_CLAIM = f"{database.NAME}-{VERSION}"
UPGRADE = ("upgrade", "database", "--to", VERSION, "--yes", "--local-state")
FAULTS = "ARCHESAI_UPGRADE_FAULTS"
"""Has every fault tried, which takes eight minutes more."""
SECONDS = 900.0
FILL = """
set role arches_app;
create table if not exists documents (id serial primary key, title text, embedding vector(3));
insert into documents (title, embedding)
  select md5(n::text), case when n <= 2000 then format('[%s,%s,1]', n % 97, n)::vector end
  from generate_series(1, 100000) n;
create index on documents using hnsw (embedding vector_l2_ops);
reset role;
alter database archesai set hnsw.ef_search = 77;
alter role arches_app set log_min_duration_statement = 12345;
alter role arches_app in database archesai set search_path = public, "Odd, schema"
"""
CONTENT = """
select count(*), md5(string_agg(d::text, '' order by id)) from documents d
union all select count(*), string_agg(format('%s %s', setrole::regrole, c), ' ' order by setrole::regrole::text, c)
  from pg_db_role_setting, unnest(setconfig) c
union all select 0, pg_get_userbyid(datdba) from pg_database where datname = 'archesai'
"""
WRITE = "set lock_timeout = '1s'; insert into documents (title) values ('written later') returning title"


@pytest.fixture(scope="module")
def stack(deployer: Engine) -> Generator[DeployedStack]:
    """A stack of api and database, with rows and settings."""
    config: Config = {
        "namespace": "node-upgrade",
        "environment": "development",
        "api": {"image": {"tag": "v1.0.0"}},
        "platform": {"enabled": False},
        "migrations": {"mode": "off"},
    }
    deployed = deployer.deploy("upgraded", config).wait_ready()
    deployed.sql(FILL)
    yield deployed
    deployed.cluster.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": deployed.namespace}})


@contextmanager
def half_way(stack: DeployedStack, nodes: Nodes) -> Generator[tuple[Operation, Object]]:
    """An upgrade that stands still while writers wait: the command and the pod that copies."""
    running = stack.deployment.start_arches(*UPGRADE)
    try:
        running.until(lambda said: "writers wait from now on" in said, SECONDS)
        assert running.process.poll() is None, running.text()
        (pod,) = nodes.pods(stack.namespace, f"job-name={NAME}")
        nodes.kill(pod, signal="STOP")
        assert not writable(stack)
        yield running, pod
    finally:
        if running.process.poll() is None:
            running.kill_all()


def writable(stack: DeployedStack) -> bool:
    """Whether a writer is served within a second."""
    return "written later" in stack.exec(
        "database", "sh", "-c", f'psql -U admin -d archesai -qAtc "{WRITE}" 2>&1 || true'
    )


def file(stack: DeployedStack) -> dict[str, Any]:
    work = stack.deployment.work
    return yaml.safe_load((work / f"Pulumi.{stack.deployment.name}.yaml").read_text(encoding="utf-8"))["config"]


def version(stack: LiveStack) -> str:
    """The server's major version."""
    return stack.sql("select current_setting('server_version_num')::int / 10000")


def claim(stack: DeployedStack) -> str:
    """The claim with the server's data."""
    volumes = stack.pod("database")["spec"]["volumes"]
    return next(one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one)


def _kill_copy(_: Operation, pod: Object, nodes: Nodes) -> None:
    nodes.kill(pod)


def _delete_pod(_: Operation, pod: Object, nodes: Nodes) -> None:
    nodes.api.delete(pod)


def _interrupt(running: Operation, _: Object, __: Nodes) -> None:
    os.killpg(running.process.pid, signal.SIGINT)


def _kill_command(running: Operation, _: Object, __: Nodes) -> None:
    running.kill_all()


Fault = Callable[[Operation, Object, Nodes], None]


def test_an_upgrade_after_a_fault_holds_the_same_content_and_one_command_goes_back(
    stack: DeployedStack, nodes: Nodes
) -> None:
    with half_way(stack, nodes) as (running, pod):
        nodes.kill(pod)
        nodes.wait_for("writers are served", lambda: [] if writable(stack) else ["they wait"], seconds=SECONDS)
        assert "the old server is as it was" in running.wait(SECONDS).text
    before, old = stack.sql(CONTENT), claim(stack)
    assert "hnsw.ef_search=77" in before
    upgraded = stack.deployment.start_arches(*UPGRADE)
    assert upgraded.wait(SECONDS).status == 0, upgraded.text()
    stack.wait_ready()
    assert (version(stack), claim(stack)) == (VERSION, NEW_CLAIM)
    assert stack.sql(CONTENT) == before
    assert writable(stack)
    assert stack.exec("api", "archesai", "check")
    seen = stack.deployment.run("preview", "--refresh", "--expect-no-changes")
    assert seen.status == 0, seen.text

    go_back(stack)
    assert (version(stack), claim(stack)) == ("16", old)
    assert stack.sql(CONTENT) == before
    delete_new_claim(stack)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_kill_copy, id="the process that copies is killed"),
        pytest.param(_delete_pod, id="the pod that copies is deleted"),
        pytest.param(_interrupt, id="the command is interrupted"),
        pytest.param(_kill_command, id="the command is killed"),
    ],
)
@pytest.mark.skipif(FAULTS not in os.environ, reason=f"{FAULTS} has each fault tried")
def test_after_a_fault_half_way_the_old_server_serves_writers_and_the_stack_file_is_as_it_was(
    stack: DeployedStack, nodes: Nodes, fault: Fault
) -> None:
    before = file(stack), version(stack)
    with half_way(stack, nodes) as (running, pod):
        fault(running, pod, nodes)
        # The machine notices at once, or by the end of the time that the copy has without its command.
        nodes.wait_for("writers are served", lambda: [] if writable(stack) else ["they wait"], seconds=SECONDS)
        outcome = running.wait(SECONDS)
    assert outcome.status != 0
    assert (file(stack), version(stack)) == before


def _file_is_written(stack: DeployedStack) -> bool:
    return file(stack).get("archesai:database", {}).get("claimName") == NEW_CLAIM


def _server_is_changed(stack: DeployedStack) -> bool:
    server = stack.cluster.api.get("apps/v1", "StatefulSet", database.NAME, stack.namespace)
    return server["spec"]["template"]["spec"]["containers"][0]["image"].endswith(NEXT_TAG)


@pytest.mark.parametrize(
    "reached",
    [
        pytest.param(_file_is_written, id="once the stack file is written"),
        pytest.param(_server_is_changed, id="once the server is changed"),
    ],
)
@pytest.mark.skipif(FAULTS not in os.environ, reason=f"{FAULTS} has each fault tried")
def test_a_switch_whose_command_is_killed_is_undone_by_one_command_and_begun_again(
    stack: DeployedStack, reached: Callable[[DeployedStack], bool]
) -> None:
    content, old = stack.sql(CONTENT), claim(stack)
    running = stack.deployment.start_arches(*UPGRADE)
    try:
        running.until(lambda _: reached(stack), SECONDS)
        assert running.process.poll() is None, running.text()
    finally:
        running.kill_all()
    refused = stack.deployment.arches(*UPGRADE)
    assert refused.status != 0
    assert "the stack file has this version already" in refused.text
    assert "--undo puts the stack file back" in refused.text
    go_back(stack)
    assert (version(stack), claim(stack), of_the_copy(stack)) == ("16", old, [])
    assert stack.sql(CONTENT) == content
    seen = stack.deployment.run("preview", "--refresh", "--expect-no-changes")
    assert seen.status == 0, seen.text

    if reached is _server_is_changed:
        delete_new_claim(stack)
    upgraded = stack.deployment.start_arches(*UPGRADE)
    assert upgraded.wait(SECONDS).status == 0, upgraded.text()
    stack.wait_ready()
    assert (version(stack), claim(stack)) == (VERSION, NEW_CLAIM)
    assert stack.sql(CONTENT) == content
    go_back(stack)
    delete_new_claim(stack)
    assert writable(stack)


def go_back(stack: DeployedStack) -> None:
    undone = stack.deployment.start_arches("upgrade", "database", "--undo", "--yes", "--local-state").wait(SECONDS)
    assert undone.status == 0, undone.text
    stack.wait_ready()


def delete_new_claim(stack: DeployedStack) -> None:
    metadata = {"name": NEW_CLAIM, "namespace": stack.namespace}
    made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    stack.cluster.api.delete(made)
    stack.cluster.wait_gone(made)


def of_the_copy(stack: DeployedStack) -> list[str]:
    """What an upgrade has left in the cluster beside its claim."""
    kinds = {"Job": "batch/v1", "ConfigMap": "v1", "NetworkPolicy": "networking.k8s.io/v1"}
    return [
        f"{kind} {item['metadata']['name']}"
        for kind, api_version in kinds.items()
        for item in stack.cluster.api.list(api_version, kind, stack.namespace)
        if item["metadata"]["name"].startswith(NAME)
    ]


@pytest.mark.skipif(FAULTS not in os.environ, reason=f"{FAULTS} has the way by hand tried")
def test_the_way_by_hand_that_a_stack_of_a_controller_is_told_moves_its_rows(cluster: Cluster) -> None:
    backups: Config = {
        "backups": {"enabled": True, "bucket": "elsewhere"},
        "backupsAccessKey": "a",
        "backupsSecretKey": "b",
    }
    config: Config = {"environment": "development", "platform": {"enabled": False}, "migrations": {"mode": "off"}}
    stack = NodeStack(cluster, "byhand", alone(config | backups, "node-by-hand")).apply().wait_ready()
    stack.sql("create table kept as select generate_series(1, 1000) as id")
    after = stack.changed({"database": {"image": {"tag": NEXT_TAG}, "claimName": NEW_CLAIM}})
    try:
        in_dump_pod(stack, "dump-database.sh")
        changed = [
            after.one("PersistentVolumeClaim", NEW_CLAIM),
            after.one("StatefulSet", database.NAME),
            after.one("StatefulSet", dump.NAME),
        ]
        cluster.apply(changed).check()
        cluster.wait_ready(*changed)
        in_dump_pod(stack, "restore-database.sh")
        assert version(stack) == VERSION
        assert stack.sql("select count(*), sum(id) from kept") == "1000|500500"
    finally:
        stack.delete()


def in_dump_pod(stack: LiveStack, script: str) -> None:
    """Run a script of the dump pod, which must succeed."""
    words = ("sh", "-c", f'sh "$SCRIPTS/{script}"')
    done = stack.cluster.exec(stack.namespace, dump.POD, *words, container=CONTAINERS["database"], seconds=SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout
