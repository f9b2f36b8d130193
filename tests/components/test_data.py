"""What holds data: claims, the namespace, stateful sets."""

from __future__ import annotations

import pytest

from testbed.components.parts import resource, volume
from testbed.matrix import EVERYTHING, ON, PRODUCTION
from testbed.stacks import ALONE, Config, find, render

CLAIMS = {"database-data": "archesai-postgres", "redis-data": "archesai-redis", "storage-data": "archesai-storage"}


@pytest.mark.parametrize(("name", "server"), CLAIMS.items())
def test_a_claim_is_an_object_of_its_own_that_a_size_grows(name: str, server: str) -> None:
    module = name.removesuffix("-data")
    stack = render(EVERYTHING | {module: ON | {"size": "30Gi", "storageClass": "ssd"}})
    spec = find(stack, "PersistentVolumeClaim", f"{server}-data")["spec"]
    assert spec == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "30Gi"}},
        "storageClassName": "ssd",
    }
    assert "volumeClaimTemplates" not in find(stack, "StatefulSet", server)["spec"]


@pytest.mark.parametrize("name", [*CLAIMS, "security-namespace"])
def test_data_outlives_the_stack(name: str) -> None:
    kept = resource(render(EVERYTHING), name)
    assert (kept.retain_on_delete, kept.protect) == (True, False)


@pytest.mark.parametrize("name", [*CLAIMS, "security-namespace"])
def test_data_that_is_given_up_goes_with_the_stack(name: str) -> None:
    assert resource(render(EVERYTHING | {"retainData": False}), name).retain_on_delete is False


@pytest.mark.parametrize(
    "name", [*CLAIMS, "security-namespace", "database-stateful-set", "redis-stateful-set", "storage-stateful-set"]
)
def test_production_lets_nothing_go_that_holds_data(name: str) -> None:
    assert resource(render(PRODUCTION), name).protect


def test_kept_data_is_taken_over_when_it_comes_back() -> None:
    claim = resource(render(ALONE | {"redis": ON}), "redis-data")
    adopting = resource(render(ALONE | {"redis": ON}), claim.provider.split("::")[-2])
    assert adopting.inputs["upsertExistingObjects"] == "true"
    assert claim.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"


def test_given_up_data_of_another_stack_is_not_taken_over() -> None:
    stack = render(ALONE | {"redis": ON, "retainData": False})
    claim = resource(stack, "redis-data")
    assert "upsertExistingObjects" not in resource(stack, claim.provider.split("::")[-2]).inputs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"cluster"}),
        ({"retainData": False}, {"cluster", "strict"}),
        ({"ingress": ON | {"hosts": {"api": "api"}, "controller": {"install": True}}}, {"cluster", "strict"}),
    ],
)
def test_the_provider_that_refuses_what_exists_is_made_where_something_needs_it(
    given: Config, expected: set[str]
) -> None:
    stack = render(EVERYTHING | given)
    assert {one.name for one in stack.resources if one.type == "pulumi:providers:kubernetes"} == expected


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("archesai-postgres", "/var/lib/postgresql/data"),
        ("archesai-redis", "/data"),
        ("archesai-storage", "/data"),
    ],
)
def test_the_server_writes_to_its_claim(server: str, path: str) -> None:
    assert volume(render(EVERYTHING), "StatefulSet", server, path) == {
        "persistentVolumeClaim": {"claimName": f"{server}-data"}
    }


@pytest.mark.parametrize(
    ("module", "path"), [("database", "/var/lib/postgresql/data"), ("redis", "/data"), ("storage", "/data")]
)
def test_a_server_goes_on_with_a_claim_of_another_name(module: str, path: str) -> None:
    stack = render(EVERYTHING | {module: ON | {"claimName": "theirs"}})
    server = CLAIMS[f"{module}-data"]
    assert resource(stack, f"{module}-data").inputs["metadata"]["name"] == "theirs"
    assert volume(stack, "StatefulSet", server, path) == {"persistentVolumeClaim": {"claimName": "theirs"}}
