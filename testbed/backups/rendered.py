"""Commands, scripts and environments of backups, taken from the objects that the program renders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from archesai_infra.stack.evaluate import Evaluation, evaluate
from testbed.stacks import find, raw, shipped_config

NAME_PATTERN = "[0-9]{8}T[0-9]{6}Z"
"""Name of a dump: the moment it began, in UTC."""
BACKUPS: dict[str, Any] = {
    "enabled": True,
    "bucket": "archesai-backups",
    "existingSecret": "archesai-backups-cloud",
    "drill": {"enabled": True},
}


@cache
def production() -> Evaluation:
    """The production stack with all of the module on."""
    return evaluate(raw(shipped_config("prod") | {"backups": BACKUPS}, "prod"))


def hook(module: str) -> list[str]:
    """The command that Velero runs before a backup."""
    return _hook(module)["command"]


def _hook(module: str) -> dict[str, Any]:
    schedule = find(production(), "Schedule", "archesai-prod-hourly")
    container = {"database": "postgres", "redis": "redis"}[module]
    hooks = schedule["spec"]["template"]["hooks"]["resources"][0]["pre"]
    return next(one["exec"] for one in hooks if one["exec"]["container"] == container)


def container(kind: str, name: str, container_name: str) -> dict[str, Any]:
    """A container of a workload."""
    spec = find(production(), kind, name)["spec"]
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    containers = spec["template"]["spec"]["containers"]
    return next(one for one in containers if one["name"] == container_name)


def plain_environment(found: dict[str, Any]) -> dict[str, str]:
    """The environment of a container, without what comes from Secrets."""
    return {item["name"]: item["value"] for item in found["env"] if "value" in item}


def write_scripts(part: str, directory: Path) -> Path:
    """Write the ConfigMap's files as the pod sees them."""
    prefix = f"archesai-{part}-"
    maps = [item for item in production().objects if item["kind"] == "ConfigMap"]
    data = next(item["data"] for item in maps if item["metadata"]["name"].startswith(prefix))
    target = directory / part
    target.mkdir()
    for name, text in data.items():
        (target / name).write_text(text, encoding="utf-8")
    for path in target.iterdir():
        path.chmod(0o444)
    return target
