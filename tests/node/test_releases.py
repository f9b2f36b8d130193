"""A release that goes out by a plan, the next one that is cut off, and the way back, on pods that serve."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.engine.deployment import Deployment
from testbed.engine.stack import Outcome
from testbed.node.deployed import DeployedStack
from testbed.node.stack import LiveStack

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

FIRST, SECOND = "v1.0.0", "v1.1.0"
WHO = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


@dataclass(frozen=True)
class Api:
    """What runs as the api."""

    image: str
    schema: str
    """Versions that the migrations have recorded."""


@dataclass(frozen=True)
class Story:
    """What each chapter left behind."""

    before: Api
    planned: Outcome
    by_plan: Api
    locks: list[Path]
    """Locks of the state after the kill, and after they were taken away."""
    locks_after: list[Path]
    went_on: Outcome
    second: Api
    back: Api
    quiet: Outcome


@pytest.fixture(scope="module")
def story(
    running: Callable[[str], LiveStack],
    deploying: Callable[[str], DeployedStack],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Story]:
    """The development stack, which ends as it began but for the schema of its database."""
    running("dev")
    stack = deploying("dev")
    repository = stack.deployment.work
    git(repository, "init", "--quiet")
    try:
        yield live(stack, tmp_path_factory.mktemp("plans") / "plan.json")
    finally:
        subprocess.run(["rm", "-rf", str(repository / ".git")], check=True)


def live(stack: DeployedStack, plan: Path) -> Story:
    deployment, arches = stack.deployment, stack.deployment.arches
    before = serving(stack)
    commit(deployment, "as it was")
    arches("config", "set", "api.image.tag", FIRST).check()
    commit(deployment, "the first release")
    arches("preview", "--save-plan", str(plan)).check()
    planned = arches("up", "--yes", "--plan", str(plan))
    by_plan = serving(stack)
    arches("config", "set", "api.image.tag", SECOND).check()
    commit(deployment, "the second release")
    cut_off(deployment)
    locks = locks_of(deployment)
    arches("cancel", "--yes").check()
    locks_after = locks_of(deployment)
    went_on = arches("up", "--yes")
    second = serving(stack)
    arches("rollback", "--yes", "--to", "HEAD~2").check()
    back = serving(stack)
    quiet = deployment.run("preview", "--refresh", "--expect-no-changes")
    return Story(before, planned, by_plan, locks, locks_after, went_on, second, back, quiet)


def git(repository: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(repository), *WHO, *words], check=True, capture_output=True, timeout=60)


def commit(deployment: Deployment, message: str) -> None:
    """Commit the stack file as it is."""
    git(deployment.work, "add", f"Pulumi.{deployment.name}.yaml")
    git(deployment.work, "commit", "--quiet", f"--message={message}")


def cut_off(deployment: Deployment) -> None:
    """Kill an `up` with everything it started, once it changes the cluster."""
    running = deployment.start_arches("up", "--yes")
    running.until(lambda said: "Job migrations-job" in said.rpartition("Updating")[2])
    running.kill_all()


def locks_of(deployment: Deployment) -> list[Path]:
    return sorted(path for path in deployment.state.rglob("locks/**/*") if path.is_file())


def serving(stack: DeployedStack) -> Api:
    """The api once it is ready."""
    stack.wait_ready()
    (container,) = stack.pod("api")["spec"]["containers"]
    return Api(container["image"], stack.exec("api", "archesai", "schema").strip())


def test_a_saved_plan_brings_a_release_into_service(story: Story) -> None:
    assert story.planned.status == 0, story.planned.text
    assert story.by_plan == Api(story.before.image.rpartition(":")[0] + f":{FIRST}", "[1]")


def test_a_state_that_a_killed_up_locked_is_unlocked_and_the_release_goes_on(story: Story) -> None:
    assert story.locks
    assert story.locks_after == []
    assert story.went_on.status == 0, story.went_on.text
    assert story.second == Api(story.before.image.rpartition(":")[0] + f":{SECOND}", "[1,2]")


def test_a_rollback_brings_the_earlier_image_back_and_leaves_the_schema(story: Story) -> None:
    assert story.back == Api(story.before.image, story.second.schema)
    assert story.quiet.status == 0, story.quiet.text
