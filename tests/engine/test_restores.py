"""The engine's state after each way a stack can be lost: restored by the commands, it has nothing left to change."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.backups import velero_rig
from testbed.backups.velero_rig import Rig, World
from testbed.engine.changes import Changes
from testbed.engine.deployment import Deployment
from testbed.engine.stack import Outcome
from testbed.stacks import Config

# Velero also listens on every address, at port 8080.
pytestmark = pytest.mark.own_network
THEIRS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "cloud-credentials", "namespace": velero_rig.NAMESPACE},
    "stringData": {"cloud": "[default]\n"},
}
"""The Secret that the stack file names for the copy of objects."""
STORE_USERS = "archesai-storage-"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": velero_rig.NAMESPACE}}


@dataclass
class Seen:
    """What a stack holds at one moment."""

    content: tuple[str, str]
    volumes: dict[str, str]
    """Volume by claim."""
    secrets: dict[str, Any]


@dataclass
class Story:
    """Three losses of one stack, one after the other, recorded step by step."""

    whole: Seen
    restored: Seen
    plain_preview: Changes
    looking_preview: Changes
    after_restore: Outcome
    adopted: Seen
    after_adoption: Outcome
    rebuilt: Seen
    after_rebuild: Outcome
    next_backup: dict[str, Any] = field(default_factory=dict[str, Any])


def _bring_their_secret(rig: Rig, namespace: str = velero_rig.NAMESPACE) -> None:
    """Create what the stack does not make, as its owner has to after a loss."""
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    secret = THEIRS | {"metadata": THEIRS["metadata"] | {"namespace": namespace}}
    rig.plane.apply([*([] if rig.plane.api.read(place) else [place]), secret]).check()


def _seen(rig: Rig) -> Seen:
    claims = rig.plane.api.list("v1", "PersistentVolumeClaim", velero_rig.NAMESPACE)
    secrets = rig.plane.api.list("v1", "Secret", velero_rig.NAMESPACE)
    return Seen(
        rig.data[velero_rig.NAMESPACE].content(),
        {one["metadata"]["name"]: one["spec"]["volumeName"] for one in claims},
        {one["metadata"]["name"]: one.get("data") for one in secrets},
    )


@dataclass(frozen=True)
class Project:
    """Makes deployments of the production stack, each with a state of its own."""

    program: Path
    directory: Path
    environment: Mapping[str, str]

    def open(self, life: str, rig: Rig, changed: Config, secrets: Mapping[str, str] | None = None) -> Deployment:
        config = dict(rig.config)
        # No backup that the story does not ask for.
        config["backups"] = config["backups"] | {"schedules": config["backups"]["schedules"] | {"paused": True}}
        variables = {**self.environment, "KUBECONFIG": str(rig.plane.admin_kubeconfig)}
        return Deployment(self.program, self.directory / life / "prod", config | changed, variables, secrets)


@pytest.fixture(scope="module")
def story(
    program: Path, engine_environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Story]:
    project = Project(program, tmp_path_factory.mktemp("lives"), engine_environment)
    with velero_rig.world() as world:
        yield _live(world, project)


def _live(world: World, project: Project) -> Story:
    data = world.data[velero_rig.NAMESPACE]
    with velero_rig.cluster(world, "first") as rig:
        velero_rig.define_kinds(rig)
        stack = project.open("first", rig, {})
        stack.up()
        _bring_their_secret(rig)
        rig.install_velero()
        rig.location_is("Available")
        data.fill()
        whole = _seen(rig)
        backup = _backup(stack)
        kit = _kit(stack)

        _lose_namespace(rig)
        stack.arches("restore", "--from", backup["name"], "--confirm", velero_rig.NAMESPACE).check()
        restored, plain, looking = _seen(rig), stack.preview(), stack.preview("--refresh")
        _bring_their_secret(rig)
        stack.arches("up", "--refresh", "--yes", "--no-policy").check()
        after_restore = _unchanged(rig, stack)

        # The state is lost. What Helm notes of its releases would keep a new one from the name.
        again = project.open("second", rig, {}, kit["credentials"])
        rig.plane.kubectl("delete", "secret", "--namespace=velero", "--selector=owner=helm").check_returncode()
        again.arches("up", "--take-over", "--yes", "--no-policy").check()
        adopted, after_adoption = _seen(rig), _unchanged(rig, again)

    # The cluster is lost, and the state with it.
    data.empty()
    with velero_rig.cluster(world, "second") as rig:
        velero_rig.define_kinds(rig)
        _bring_their_secret(rig, "velero")
        new = project.open("third", rig, {"restoring": True}, kit["credentials"])
        new.arches("up", "--yes", "--no-policy").check()
        rig.install_velero()
        rig.location_is("Available")
        rig.wait_found(backup["name"])
        new.arches("restore", "--from", "latest", "--confirm", velero_rig.NAMESPACE).check()
        _bring_their_secret(rig)
        new.configure({"restoring": None})
        new.arches("up", "--take-over", "--yes", "--no-policy").check()
        rebuilt, after_rebuild = _seen(rig), _unchanged(rig, new)
        next_backup = _backup(new)
    return Story(
        whole, restored, plain, looking, after_restore, adopted, after_adoption, rebuilt, after_rebuild, next_backup
    )


def _opening_data(seen: Seen) -> dict[str, Any]:
    """Secrets but those that servers take anew when they start: users of redis and of the object storage."""
    return {
        name: value
        for name, value in seen.secrets.items()
        if not name.startswith(("archesai-redis-users", STORE_USERS))
    }


def _backup(stack: Deployment) -> dict[str, Any]:
    text = stack.arches("backup", "create", "--wait", "--json").check().text
    return json.loads(text[text.index("{") :])


def _kit(stack: Deployment) -> dict[str, Any]:
    path = stack.work / "kit.yaml"
    stack.arches("recovery-kit", "--output", str(path)).check()
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _lose_namespace(rig: Rig) -> None:
    rig.plane.api.delete(NAMESPACE)
    rig.plane.wait_gone(NAMESPACE, seconds=120)
    rig.data[velero_rig.NAMESPACE].empty()


def _unchanged(rig: Rig, stack: Deployment) -> Outcome:
    """A preview that expects no change; a pod that is not ready for a moment would count as one."""
    rig.plane.wait_ready(*(item for item in stack.declared().objects if item["kind"] in ("Deployment", "StatefulSet")))
    return stack.run("preview", "--refresh", "--expect-no-changes")


def test_a_restored_namespace_has_its_content_its_secrets_and_its_volumes(story: Story) -> None:
    assert story.restored.content == story.whole.content
    # No backup holds a Secret: these came from the state. The next `up` brings back the backups' own password.
    absent = ("archesai-backups-repository", THEIRS["metadata"]["name"])
    assert story.restored.secrets == {
        name: secret for name, secret in story.whole.secrets.items() if name not in absent
    }
    changed = {name for name, volume in story.whole.volumes.items() if story.restored.volumes.get(name) != volume}
    assert changed == {"archesai-dump-data"}, "the dumps come out of the bucket, onto a new volume"


def test_after_a_restore_a_preview_shows_no_change_and_a_look_at_the_cluster_only_the_finished_jobs(
    story: Story,
) -> None:
    assert not story.plain_preview, story.plain_preview
    assert story.looking_preview.created == {
        "Job migrations-job",
        "Job storage-bucket-job",
        "Role security-role",
        "Secret backups-repository-kept",
    }
    assert not story.looking_preview.updated | story.looking_preview.replaced | story.looking_preview.deleted


def test_after_the_jobs_ran_again_nothing_is_left_to_change(story: Story) -> None:
    assert story.after_restore.status == 0, story.after_restore.text


def test_a_stack_whose_state_is_lost_is_taken_over_with_its_data(story: Story) -> None:
    assert story.adopted.volumes == story.restored.volumes
    assert _opening_data(story.adopted) == _opening_data(story.whole)
    assert story.adopted.secrets.keys() == story.whole.secrets.keys()
    assert story.adopted.content == story.whole.content
    assert story.after_adoption.status == 0, story.after_adoption.text


def test_a_lost_cluster_and_state_come_back_from_the_bucket_and_the_recovery_kit(story: Story) -> None:
    assert story.rebuilt.content == story.whole.content
    assert _opening_data(story.rebuilt) == _opening_data(story.whole)
    assert story.rebuilt.secrets.keys() == story.whole.secrets.keys()
    assert story.rebuilt.volumes.keys() == story.whole.volumes.keys()
    assert not set(story.rebuilt.volumes.values()) & set(story.whole.volumes.values())
    assert story.after_rebuild.status == 0, story.after_rebuild.text


def test_a_rebuilt_stack_makes_good_backups_again(story: Story) -> None:
    assert set(story.next_backup["dumps"]) == {"database", "redis"}
    assert story.next_backup["problems"] == []
