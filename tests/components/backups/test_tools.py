"""The images with the tools of dumps: never older than the server, wherever it runs."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.config import ConfigError
from testbed.matrix import CLUSTER
from testbed.stacks import Config, find, render

BACKED_UP: Config = {
    "backups": {"enabled": True, "bucket": "elsewhere", "existingSecret": "keys", "drill": {"enabled": True}}
}
EXTERNAL = {"mode": "external", "existingSecret": "theirs", "host": "db.example.com", "cidrs": ["10.9.0.0/16"]}


def _images(stack: Config, kind: str, name: str) -> set[str]:
    item = find(render(BACKED_UP | stack), kind, name)
    job: dict[str, Any] = item["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else item["spec"]
    return {container["image"] for container in job["template"]["spec"]["containers"]}


@pytest.mark.parametrize(("version", "tools"), [(None, 16), (14, 16), (16, 16), (17, 17), (18, 18)])
def test_the_tools_of_an_external_server_are_of_its_version_or_newer(version: int | None, tools: int) -> None:
    stack: Config = {"database": EXTERNAL | ({} if version is None else {"version": version})}
    image = f"pgvector/pgvector:0.8.6-pg{tools}-bookworm"
    assert image in _images(stack, "StatefulSet", "archesai-dump")
    assert _images(stack, "CronJob", "archesai-backups-drill") == {image}


def test_a_cluster_of_a_newer_version_is_dumped_by_tools_of_that_version() -> None:
    database = CLUSTER["database"] | {"cluster": {"image": {"tag": "17.11-standard-trixie"}}}
    stack = CLUSTER | {"database": database}
    assert "pgvector/pgvector:0.8.6-pg17-bookworm" in _images(stack, "StatefulSet", "archesai-dump")


def test_tools_that_are_named_and_older_than_the_server_are_refused() -> None:
    named = BACKED_UP["backups"] | {"dump": {"image": {"tag": "0.8.6-pg16-bookworm"}}}
    with pytest.raises(ConfigError) as refused:
        render({"backups": named, "database": EXTERNAL | {"version": 17}})
    cure = "name an image with pgvector and PostgreSQL 17"
    assert f"backups.dump.image.tag: the tools are of PostgreSQL 16 and the server is of 17: {cure}" in str(
        refused.value
    )
