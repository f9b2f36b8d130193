from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archesai_infra.cli.adopt.live import FileOwner
from archesai_infra.cli.adopt.plan import AFTER, BEFORE
from archesai_infra.components.database.major import major
from testbed.adopt.kustomized import ACCESS_KEY, DATABASE_CLAIM, PASSWORD, REDIS_PASSWORD, SECRET_KEY
from testbed.adopt.standing import ALL, ON, STACK, planned, standing, takeover
from testbed.controlplane.api import Object
from testbed.stacks import DEVELOPMENT

Objects = dict[tuple[str, str], Object]

DATABASE = ("StatefulSet", "archesai-postgres")


def settings(**arguments: Any) -> dict[str, str]:  # noqa: ANN401 - what `takeover` takes
    return {one.key: one.value for one in takeover(**arguments).settings}


def container(objects: Objects, kind: str, name: str) -> Object:
    return objects[kind, name]["spec"]["template"]["spec"]["containers"][0]


def in_database(change: Callable[[Object], object]) -> Callable[[Objects], object]:
    return lambda objects: change(objects[DATABASE])


def obstacle(change: Callable[[Objects], object]) -> str:
    (only,) = takeover(DEVELOPMENT, standing(change)).obstacles
    return only


def test_every_data_module_goes_on_with_its_claim_its_password_and_its_kind_of_server() -> None:
    assert settings() == {
        "database.claimName": DATABASE_CLAIM,
        "database.runAsUser": "999",
        "databasePassword": PASSWORD,
        "redis.claimName": "archesai-redis",
        "redis.runAsGroup": "1000",
        "redis.runAsUser": "999",
        "redisPassword": REDIS_PASSWORD,
        "storage.claimName": "archesai-storage",
        "storage.server": "minio",
        "storageAccessKey": ACCESS_KEY,
        "storageSecretKey": SECRET_KEY,
    }
    assert {one.key for one in takeover().settings if one.secret} == {
        "databasePassword", "redisPassword", "storageAccessKey", "storageSecretKey",
    }  # fmt: skip
    assert takeover().obstacles == ()


def test_every_volume_is_named_with_what_becomes_of_it_without_its_claim() -> None:
    assert [(one.module, one.volume, one.reclaim_policy) for one in takeover().volumes] == [
        ("database", f"volume-of-{DATABASE_CLAIM}", "Delete"),
        ("redis", "volume-of-archesai-redis", "Delete"),
        ("storage", "volume-of-archesai-storage", "Delete"),
    ]


def test_what_the_stack_says_already_is_not_said_again() -> None:
    config = DEVELOPMENT | {"database": {"claimName": DATABASE_CLAIM, "runAsUser": 999}}
    assert settings(config=config, given=["databasePassword"]) == {}


def test_a_module_that_is_off_or_elsewhere_takes_nothing() -> None:
    external = DEVELOPMENT | {"database": {"mode": "external", "host": "db.example.com"}, "databasePassword": "given"}
    assert settings(config=external) == {}
    assert takeover(external).volumes == ()


def test_passwords_of_an_existing_secret_stay_there() -> None:
    config = DEVELOPMENT | {"database": {"existingSecret": "theirs", "runAsUser": 999}}
    assert settings(config=config) == {"database.claimName": DATABASE_CLAIM}


def test_a_password_in_clear_on_the_container_is_taken_too() -> None:
    live = standing(lambda objects: container(objects, *DATABASE)["env"][2].update({"value": "plain"}))
    assert settings(config=DEVELOPMENT, live=live)["databasePassword"] == "plain"


def test_the_names_that_the_data_was_made_with_are_kept() -> None:
    def rename(database: Object) -> None:
        env = database["spec"]["template"]["spec"]["containers"][0]["env"]
        env[0]["value"], env[1]["value"] = "arches", "owner"

    found = settings(config=DEVELOPMENT, live=standing(in_database(rename)))
    assert (found["database.name"], found["database.user"]) == ("arches", "owner")


@pytest.mark.parametrize(
    ("found", "grows", "config", "wanted"),
    [
        ("50Gi", True, {}, "50Gi"),
        ("5Gi", True, {}, None),
        ("5Gi", False, {}, "5Gi"),
        ("10Gi", False, {}, None),
        ("20Gi", True, {"size": "30Gi"}, None),
    ],
)
def test_a_volume_never_shrinks_and_grows_only_where_its_class_lets_it(
    *, found: str, grows: bool, config: dict[str, str], wanted: str | None
) -> None:
    def resize(objects: Objects) -> None:
        objects["PersistentVolumeClaim", DATABASE_CLAIM]["spec"]["resources"]["requests"]["storage"] = found

    stack = DEVELOPMENT | {"database": config}
    assert settings(config=stack, live=standing(resize, grows=grows)).get("database.size") == wanted


def test_the_class_of_a_claim_wins_over_the_stacks() -> None:
    config = DEVELOPMENT | {"database": {"storageClass": "fast"}}
    assert settings(config=config)["database.storageClass"] == "standard"


def test_data_in_another_directory_is_not_left_behind_for_an_empty_one() -> None:
    def move(database: Object) -> None:
        database["spec"]["template"]["spec"]["containers"][0]["env"].pop()

    said = obstacle(in_database(move))
    assert said.startswith("database: StatefulSet archesai-postgres keeps its data in directory . of the volume")
    assert "would start empty" in said


def test_a_sub_path_of_the_volume_counts_as_part_of_the_directory() -> None:
    def move(database: Object) -> None:
        own = database["spec"]["template"]["spec"]["containers"][0]
        own["env"].pop()
        own["volumeMounts"][0]["subPath"] = "pgdata"

    assert takeover(DEVELOPMENT, standing(in_database(move))).obstacles == ()


def test_another_major_version_of_postgres_is_refused_and_the_same_is_not() -> None:
    def downgrade(database: Object) -> None:
        database["spec"]["template"]["spec"]["containers"][0]["image"] = "postgres:15.4-alpine"

    live = standing(in_database(downgrade))
    assert "runs PostgreSQL 15, the stack 16" in takeover(DEVELOPMENT, live).obstacles[0]
    config = DEVELOPMENT | {"database": {"image": {"tag": "0.8.6-pg15-bookworm"}}}
    assert takeover(config, live).obstacles == ()


def _of_image(image: str) -> Callable[[Objects], object]:
    return lambda objects: container(objects, *DATABASE).update(image=image)


@pytest.mark.parametrize(
    ("image", "owner"),
    [("postgres:16", "999"), ("postgres:16-alpine", "70"), ("registry.example.com/pgvector/pgvector:pg16", "999")],
)
def test_the_stack_runs_the_database_as_the_user_of_its_old_image(image: str, owner: str) -> None:
    assert settings(config=DEVELOPMENT, live=standing(_of_image(image)))["database.runAsUser"] == owner


def test_the_user_of_the_manifest_wins_over_the_images_and_what_the_pod_sees_over_both() -> None:
    def identify(database: Object) -> None:
        database["spec"]["template"]["spec"]["securityContext"] = {"runAsUser": 26, "fsGroup": 27}

    live = standing(in_database(identify))
    found = settings(config=DEVELOPMENT, live=live)
    assert (found["database.runAsUser"], found["database.runAsGroup"]) == ("26", "27")
    seen = replace(live, owners={"archesai-postgres": FileOwner(1001, 0)})
    found = settings(config=DEVELOPMENT, live=seen)
    assert (found["database.runAsUser"], found.get("database.runAsGroup")) == ("1001", None)


def test_a_database_that_could_not_read_its_files_is_refused_before_anything_is_deleted() -> None:
    config = DEVELOPMENT | {"database": {"runAsUser": 10001}}
    (said,) = takeover(config, standing()).obstacles
    assert "its files belong to user 999" in said
    assert "set database.runAsUser to 999 (got 10001)" in said
    unknown = standing(_of_image("bitnami/postgresql:16"))
    (said,) = takeover(DEVELOPMENT, unknown).obstacles
    assert "the user of its image is not known" in said
    assert takeover(DEVELOPMENT | {"database": {"runAsUser": 1001}}, unknown).obstacles == ()


def test_the_stack_that_adopt_declares_runs_as_the_owner_of_the_files() -> None:
    (server,) = [one.resource for one in planned().items if (one.kind, one.name) == DATABASE and one.resource]
    security = server.inputs["spec"]["template"]["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (999, 999, 999)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("pgvector/pgvector:pg16", "16"),
        ("pgvector/pgvector:0.8.6-pg17-bookworm", "17"),
        ("postgres:16", "16"),
        ("registry.example.com:5000/postgres:14.9-alpine@sha256:00", "14"),
        ("postgres", None),
        ("postgres:latest", None),
    ],
)
def test_the_major_version_is_read_from_the_tag(image: str, version: str | None) -> None:
    assert major(image) == version


def test_data_on_no_claim_stops_everything() -> None:
    def forget(database: Object) -> None:
        database["spec"].pop("volumeClaimTemplates")
        database["spec"]["template"]["spec"]["volumes"] = [{"name": "archesai-postgres", "emptyDir": {}}]

    assert "/var/lib/postgresql/data/pgdata is on no claim: its data goes with its pod" in obstacle(in_database(forget))


def test_a_claim_that_is_gone_stops_everything() -> None:
    said = obstacle(lambda objects: objects.pop(("PersistentVolumeClaim", DATABASE_CLAIM)))
    assert f"claim {DATABASE_CLAIM} is not there" in said


def test_several_database_pods_and_shared_volumes_are_refused() -> None:
    assert "runs 2 pods" in obstacle(in_database(lambda database: database["spec"].update(replicas=2)))

    def share(objects: Objects) -> None:
        objects["PersistentVolumeClaim", DATABASE_CLAIM]["spec"]["accessModes"] = ["ReadWriteMany"]

    assert "is ReadWriteMany, the stack's are ReadWriteOnce" in obstacle(share)


def test_a_database_password_that_nobody_can_read_has_to_be_given() -> None:
    def hide(database: Object) -> None:
        del database["spec"]["template"]["spec"]["containers"][0]["env"][2]

    live = standing(in_database(hide))
    assert "arches config set databasePassword" in takeover(DEVELOPMENT, live).obstacles[0]
    assert takeover(DEVELOPMENT, live, ["databasePassword"]).obstacles == ()


def test_redis_writes_its_log_before_it_stops_and_the_files_of_storage_change_hands_after_it_has() -> None:
    before = [command for step in takeover().steps if step.when == BEFORE for command in step.commands]
    *stops, waits, owner = before
    assert [command.split(" -- ")[0] for command in stops] == [
        "kubectl --context here --namespace archesai exec deployment/archesai-redis",
        "kubectl --context here --namespace archesai scale deployment/archesai-redis --replicas=0",
        "kubectl --context here --namespace archesai scale deployment/archesai-storage --replicas=0",
    ]
    assert "--for=delete" in waits
    assert "app.kubernetes.io/component=storage" in waits
    assert json.loads(shlex.split(owner)[-1])["spec"] == {
        "containers": [
            {
                "name": "archesai-storage-owner",
                "image": "minio/minio:latest",
                "command": ["chown", "-R", "10001:10001", "/data"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "archesai-storage"}}],
    }
    assert [step.commands for step in takeover().steps if step.when == AFTER] == [
        ("kubectl --context here --namespace archesai delete deployment/archesai-redis",),
        ("kubectl --context here --namespace archesai delete deployment/archesai-storage",),
    ]


def test_files_of_storage_that_are_not_roots_stay_with_their_owner() -> None:
    def own(objects: Objects) -> None:
        container(objects, "Deployment", "archesai-storage")["securityContext"] = {"runAsUser": 1000}

    live = standing(own)
    assert settings(live=live)["storage.runAsUser"] == "1000"
    assert not [command for step in takeover(live=live).steps for command in step.commands if "chown" in command]


def test_files_of_a_storage_that_was_a_set_change_hands_too() -> None:
    def as_set(objects: Objects) -> None:
        item = objects.pop(("Deployment", "archesai-storage"))
        objects["StatefulSet", "archesai-storage"] = item | {"kind": "StatefulSet"}

    (step,) = [one for one in takeover(live=standing(as_set)).steps if one.why.startswith("storage")]
    assert step.when == BEFORE
    assert (
        step.commands[0]
        == "kubectl --context here --namespace archesai scale statefulset/archesai-storage --replicas=0"
    )
    assert "chown" in step.commands[-1]


def test_a_redis_with_a_log_only_stops_and_a_stopped_one_has_nothing_left_to_do() -> None:
    config = DEVELOPMENT | {"redis": ON}

    def log(objects: Objects) -> None:
        container(objects, "Deployment", "archesai-redis")["command"] = ["redis-server", "--appendonly", "yes"]

    (stop,) = [step for step in takeover(config, standing(log)).steps if step.when == BEFORE]
    assert "scale" in stop.commands[0]

    def stopped(objects: Objects) -> None:
        objects["Deployment", "archesai-redis"]["spec"]["replicas"] = 0

    assert [step.when for step in takeover(config, standing(stopped)).steps] == [AFTER]


def test_what_the_stack_runs_itself_is_no_old_server() -> None:
    def adopted(objects: Objects) -> None:
        own = {"app.kubernetes.io/managed-by": "pulumi", "app.kubernetes.io/instance": "moved"}
        for name in ("archesai-redis", "archesai-storage"):
            objects["Deployment", name]["metadata"]["labels"] |= own
        objects[DATABASE]["metadata"]["labels"] |= own

    names = {"database": DATABASE_CLAIM, "redis": "archesai-redis", "storage": "archesai-storage"}
    config = {module: ALL.get(module, {}) | {"claimName": name} for module, name in names.items()}
    found = takeover(DEVELOPMENT | config, standing(adopted))
    assert (found.settings, found.steps, found.obstacles) == ((), (), ())
    assert [one.claim for one in found.volumes] == list(names.values())


def test_a_stack_whose_state_is_lost_takes_its_own_passwords_again_and_makes_none_anew() -> None:
    def made_by(stack: str) -> Callable[[Objects], None]:
        labels = {"app.kubernetes.io/managed-by": "pulumi", "app.kubernetes.io/instance": stack}
        data = {"archesai-database": "POSTGRES_PASSWORD", "archesai-api": "JWT_SECRET"}

        def make(objects: Objects) -> None:
            objects[DATABASE]["metadata"]["labels"] |= labels
            for name, key in data.items():
                held = {key: b64encode(f"value of {key}".encode()).decode()}
                objects["Secret", name] = {"metadata": {"name": name, "labels": labels}, "data": held}

        return make

    live = standing(made_by(STACK))
    config = DEVELOPMENT | {"database": {"claimName": DATABASE_CLAIM}}
    values = {"apiJwtSecret": "value of JWT_SECRET", "databasePassword": "value of POSTGRES_PASSWORD"}
    assert settings(config=config, live=live) == values
    assert settings(config=config, live=live, given=["apiJwtSecret"]) == {
        "databasePassword": values["databasePassword"]
    }
    assert settings(config=config, live=live, stateless=False) == {}
    assert "apiJwtSecret" not in settings(config=config, live=standing(made_by("another")))
