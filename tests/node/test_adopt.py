"""A deployment that the old manifests made becomes a stack, with its rows, keys and objects.

Every command that the plan lists for a person is run as it stands there.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.cli.adopt.plan import AFTER, BEFORE
from testbed.adopt.kustomized import ACCESS_KEY, REDIS_PASSWORD, SECRET_KEY, old_deployment
from testbed.controlplane.api import Object
from testbed.engine.deployment import Deployment
from testbed.engine.stack import Outcome
from testbed.matrix import ON
from testbed.node.cluster import Cluster
from testbed.node.deployed import UP_SECONDS, DeployedStack, variables_of
from testbed.node.images.recipe import reference
from testbed.stacks import DEVELOPMENT, Config

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

NAMESPACE = "node-adopted"
RELEASE = "v1.0.0"
CONFIG: Config = DEVELOPMENT | {
    "namespace": NAMESPACE,
    "api": {"image": {"tag": RELEASE}},
    "platform": {"image": {"tag": RELEASE}},
    "redis": ON,
    "storage": ON,
}
IMAGES = {
    "api": f"{versions.API.repository}:{RELEASE}",
    "platform": f"{versions.PLATFORM.repository}:{RELEASE}",
    "postgres": reference(versions.DATABASE),
    "redis": reference(versions.REDIS),
    "storage": reference(versions.MINIO),
}
"""What the nodes have of the images of then."""
TABLE = "create table kept as select id, md5(id::text) what from generate_series(1, 5000) id"
ROWS = "select count(*), md5(string_agg(k::text, ',' order by id)) from kept k"
REDIS = f"REDISCLI_AUTH='{REDIS_PASSWORD}' redis-cli"
OBJECTS = f"MC_HOST_own=http://{ACCESS_KEY}:{SECRET_KEY}@127.0.0.1:9000 mc --config-dir /tmp/mc --quiet"
FILL: Mapping[str, str] = {
    # Over TCP: the first start's temporary server answers on the socket only.
    "postgres": "until pg_isready -q -h 127.0.0.1; do sleep 1; done; "
    f'psql --host /var/run/postgresql --username admin --dbname archesai --command "{TABLE}"',
    "redis": f"until {REDIS} ping; do sleep 1; done; {REDIS} set kept yes",
    "storage": f"until {OBJECTS} mb own/files; do sleep 1; done; echo kept | {OBJECTS} pipe own/files/kept.txt",
}
LOOK: Mapping[str, str] = {
    "postgres": f'psql --host /var/run/postgresql --username admin --dbname archesai -qAtc "{ROWS}"',
    "redis": f"{REDIS} get kept",
    "storage": f"{OBJECTS} cat own/files/kept.txt",
}
SERVER_USER = "999"
"""The user that PostgreSQL's image runs as by itself, and of whom it leaves its files."""

Standing = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Story:
    """What was there after each chapter."""

    stack: DeployedStack
    plan: dict[str, Any]
    before: Standing
    """Pods of the old deployment: their identity and how often their containers were started again."""
    held: Mapping[str, str]
    """What its servers answered."""
    first: Outcome
    taken: Standing
    second: Outcome
    after: Mapping[str, str]
    quiet: Outcome


@pytest.fixture(scope="module")
def story(
    cluster: Cluster, program: Path, engine_environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Story]:
    """An old deployment that became a stack."""
    items = [one for one in old_deployment(NAMESPACE, IMAGES) if one["kind"] != "Ingress"]
    cluster.apply(items).check()
    try:
        cluster.wait_ready(*items)
        directory = tmp_path_factory.mktemp("adopted") / "dev"
        deployment = Deployment(program, directory, CONFIG, variables_of(cluster, engine_environment))
        yield live(DeployedStack(cluster, "dev", CONFIG, deployment, None))
    finally:
        cluster.api.delete(items[0])


def live(stack: DeployedStack) -> Story:
    arches = stack.deployment.arches
    for component, command in FILL.items():
        in_server(stack, component, command)
    before, held = standing(stack), answers(stack, "postgres")
    plan = json.loads(arches("adopt", "--plan-only", "--json").check().text)
    first = arches("adopt", "--yes")
    taken = standing(stack)
    carry_out(stack, plan, BEFORE)
    second = arches("adopt", "--yes")
    stack.deployment.start_arches("up", "--yes").wait(UP_SECONDS).check()
    carry_out(stack, plan, AFTER)
    stack.wait_ready()
    quiet = stack.deployment.run("preview", "--refresh", "--expect-no-changes")
    return Story(stack, plan, before, held, first, taken, second, answers(stack, "database"), quiet)


def in_server(stack: DeployedStack, component: str, command: str) -> str:
    """What a shell in a server's pod prints, without the last line's end."""
    return stack.exec(component, "sh", "-c", command).strip()


def answers(stack: DeployedStack, database: str) -> Mapping[str, str]:
    """What each server has; the database's component has another name in each deployment."""
    names = {"postgres": database}
    return {server: in_server(stack, names.get(server, server), command) for server, command in LOOK.items()}


def standing(stack: DeployedStack) -> Standing:
    return {pod["metadata"]["name"]: (pod["metadata"]["uid"], restarts(pod)) for pod in stack.pods()}


def restarts(pod: Object) -> int:
    return sum(one["restartCount"] for one in pod["status"]["containerStatuses"])


def carry_out(stack: DeployedStack, plan: dict[str, Any], when: str) -> None:
    """Do what the plan asks a person to do at a time."""
    commands = [command for step in plan["steps"] if step["when"] == when for command in step["commands"]]
    assert commands
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "kubectl"
        done = stack.cluster.kubectl(*words)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_plan_names_the_user_of_the_files_as_the_running_pod_shows_it(story: Story) -> None:
    settings = {one["key"]: one["value"] for one in story.plan["settings"]}
    assert settings["database.runAsUser"] == SERVER_USER
    assert settings["storage.server"] == "minio"
    assert story.plan["obstacles"] == []


def test_adopting_restarts_no_container(story: Story) -> None:
    assert "no pod was restarted" in story.first.text, story.first.text
    assert story.first.status == 1, "steps are left"
    assert len(story.before) == 5
    assert story.taken == story.before


def test_what_the_plan_asks_for_can_be_done_and_ends_it(story: Story) -> None:
    assert story.second.status == 0, story.second.text


def test_the_stack_s_servers_have_the_rows_keys_and_objects_of_the_old_ones(story: Story) -> None:
    assert story.held["redis"] == "yes"
    assert story.after == story.held
    assert in_server(story.stack, "database", "id -u") == SERVER_USER


def test_the_stack_s_pods_are_all_that_is_left_and_nothing_is_left_to_change(story: Story) -> None:
    assert {pod["metadata"]["uid"] for pod in story.stack.pods()}.isdisjoint(uid for uid, _ in story.before.values())
    assert story.quiet.status == 0, story.quiet.text
