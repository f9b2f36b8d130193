"""Passwords: generated once, kept, and rolled to the pods that read them."""

from __future__ import annotations

import hashlib
import hmac

from testbed.components.parts import resource, template
from testbed.matrix import ON
from testbed.stacks import ALONE, Config, find, render

REDIS: Config = ALONE | {"redis": ON}


def fingerprint(config: Config) -> str:
    stack = render(config)
    return template(stack, "StatefulSet", "archesai-redis")["metadata"]["annotations"]["archesai.com/secrets"]


def test_a_password_is_generated_once_and_kept_in_the_state() -> None:
    stash = resource(render(REDIS), "redis-password")
    assert stash.type == "pulumi:index:Stash"
    # Every run proposes another value; the engine looks at the first one only.
    assert stash.ignore_changes == ("input",)
    assert stash.secret_paths == ("input",)


def test_a_raised_version_makes_another_password() -> None:
    raised = ALONE | {"redis": ON | {"passwordVersion": 2}}
    assert [resource(render(config), "redis-password").replacement_trigger for config in (REDIS, raised)] == [1, 2]


def test_a_generated_password_is_long_and_random() -> None:
    values = [
        resource(render(REDIS | change, reveal=True), "redis-password").inputs["input"]
        for change in ({}, {"retainData": False})
    ]
    assert values[0] != values[1]
    assert all(len(value) == 32 for value in values)


def test_the_generated_password_is_the_one_in_the_secret() -> None:
    stack = render(REDIS, reveal=True)
    assert find(stack, "Secret", "archesai-redis")["stringData"] == {
        "REDIS_PASSWORD": resource(stack, "redis-password").inputs["input"]
    }


def test_a_changed_password_changes_the_fingerprint_and_so_rolls_the_pods() -> None:
    one, other, again = (fingerprint(REDIS | {"redisPassword": value}) for value in ("one", "other", "one"))
    assert one != other
    assert one == again


def test_a_fingerprint_does_not_tell_the_password_even_to_who_tries_some() -> None:
    found = fingerprint(REDIS | {"redisPassword": "feed"})
    assert len(found) == 16
    assert "feed" not in found
    # Without its key nobody can compare guesses with it.
    assert not hashlib.sha256(b"feed").hexdigest().startswith(found)
    assert not hmac.new(b"", b"feed", hashlib.sha256).hexdigest().startswith(found)


def test_the_key_of_fingerprints_is_generated_and_kept() -> None:
    key = resource(render(REDIS), "fingerprint-key")
    assert (key.type, key.ignore_changes, key.secret_paths) == ("pulumi:index:Stash", ("input",), ("input",))


def test_values_of_a_secret_are_secret_to_the_engine() -> None:
    secret = resource(render(REDIS), "redis-secret")
    assert secret.secret_paths == ("stringData",)
    assert secret.inputs["stringData"] == {"REDIS_PASSWORD": "<secret>"}


def test_a_secret_of_others_leaves_no_fingerprint_and_no_secret() -> None:
    stack = render(ALONE | {"database": ON | {"existingSecret": "theirs"}})
    assert "annotations" not in template(stack, "StatefulSet", "archesai-postgres")["metadata"]
    assert {item.name for item in stack.resources} & {"database-secret", "database-password"} == set()


def test_every_consumer_of_a_password_rolls_with_it() -> None:
    def annotation(password: str) -> str:
        stack = render({"databasePassword": password})
        return template(stack, "Deployment", "archesai-api")["metadata"]["annotations"]["archesai.com/secrets"]

    assert annotation("one") != annotation("other")
