"""Images pinned by the lock of a stack file."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.images import used_images
from testbed.invariants.view import RUNNERS, Rendered, containers
from testbed.monitoring.stacks import BACKED_UP
from testbed.stacks import Config, render

DIGEST = "sha256:" + "5" * 64
MIRROR = "registry.example.com/proxy"


def _locked(servers: Config | None = None, **images: object) -> Config:
    stack = BACKED_UP | (servers or {})
    names = {image.locked_as(default) for image, default in used_images(render(stack).settings).values()}
    return stack | {"images": {"digests": dict.fromkeys(names, DIGEST), **images}}


EXTERNAL: Config = {
    "database": {"mode": "external", "host": "db.example.com", "cidrs": ["10.9.0.0/16"], "version": 17},
    "databasePassword": "made-up",
    "redis": {"enabled": True, "mode": "external", "host": "redis.example.com", "cidrs": ["10.9.0.0/16"]},
    "redisPassword": "made-up",
}


def _containers(config: Config) -> list[dict[str, Any]]:
    rendered = Rendered.of(render(config))
    return [container for item in rendered.kinds(*RUNNERS) for container in containers(item)]


@pytest.mark.parametrize(
    "servers", [pytest.param({}, id="the stack's servers"), pytest.param(EXTERNAL, id="servers elsewhere")]
)
def test_every_container_is_pulled_by_the_digest_of_the_lock_and_only_where_it_is_missing(servers: Config) -> None:
    pulls = {(item["image"].partition("@")[2], item["imagePullPolicy"]) for item in _containers(_locked(servers))}
    assert pulls == {(DIGEST, "IfNotPresent")}


def test_the_lock_holds_behind_a_mirror() -> None:
    images = {item["image"] for item in _containers(_locked(registry=MIRROR))}
    assert {(image.startswith(MIRROR), image.endswith(DIGEST)) for image in images} == {(True, True)}


def test_a_pull_policy_that_is_set_holds_for_every_image() -> None:
    assert {item["imagePullPolicy"] for item in _containers(_locked(pullPolicy="Never"))} == {"Never"}


def test_an_image_s_own_digest_comes_before_the_lock_s() -> None:
    own = "sha256:" + "7" * 64
    stack = _locked() | {"redis": {"enabled": True, "image": {"digest": own}}}
    digests = {item["name"]: item["image"].partition("@")[2] for item in _containers(stack)}
    assert (digests["redis"], digests["postgres"]) == (own, DIGEST)


def test_velero_s_server_and_plugin_are_pulled_by_the_lock() -> None:
    (release,) = (item for item in render(_locked()).releases if item.inputs["name"] == "velero")
    values = release.inputs["values"]
    assert (values["image"]["digest"], values["image"]["pullPolicy"]) == (DIGEST, "IfNotPresent")
    assert values["initContainers"][0]["image"].endswith(f"@{DIGEST}")


@pytest.mark.parametrize("name", ["redis", "redis:", "Redis:7", "redis:7@sha256:1"])
def test_a_name_in_the_lock_that_is_no_image_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="must be repository:tag"):
        render({"images": {"digests": {name: DIGEST}}})
