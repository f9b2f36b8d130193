"""Arches itself: its configuration is where it looks for it, under the names that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from testbed.invariants.view import RUNNERS, Check, Object, Rendered, component, containers, pod, title

SEARCHED = {f"/etc/archesai/{name}.yaml" for name in ("arches", "config", ".archesai")}
"""Files that the api looks for; of its other two places one follows from the image, the other from a home directory."""
URL_VARIABLES = ("DATABASE_URL", "ARCHES_DATABASE_URL")
"""The documented variable, which the server does not read, and the one that it reads."""


def _of(rendered: Rendered, *modules: str) -> Iterator[Object]:
    return (item for item in rendered.kinds(*RUNNERS) if component(item) in modules)


def _configuration(rendered: Rendered, runner: Object) -> dict[str, Any] | None:
    """The configuration that the server finds, if it finds one."""
    volumes = {volume["name"]: volume for volume in pod(runner).get("volumes", [])}
    for container in containers(runner):
        for mount in container.get("volumeMounts", []):
            name = volumes.get(mount["name"], {}).get("configMap", {}).get("name")
            if name is None or not rendered.has("ConfigMap", name, runner["metadata"].get("namespace")):
                continue
            for key, text in rendered.one("ConfigMap", name)["data"].items():
                path = mount["mountPath"] if mount.get("subPath") == key else f"{mount['mountPath']}/{key}"
                if path in SEARCHED:
                    return yaml.safe_load(text)
    return None


def the_api_finds_its_configuration(rendered: Rendered) -> Iterator[str]:
    """A file in one of the places that are searched."""
    for item in _of(rendered, "api"):
        if _configuration(rendered, item) is None:
            yield f"{title(item)}: no configuration where the server looks for it"


def the_database_url_has_the_names_that_are_read(rendered: Rendered) -> Iterator[str]:
    """Both variables, by reference, in what runs the application's image."""
    for item in _of(rendered, "api", "migrations"):
        for container in pod(item)["containers"]:
            variables = {variable["name"]: variable for variable in container.get("env", [])}
            for name in URL_VARIABLES:
                if "secretKeyRef" not in variables.get(name, {}).get("valueFrom", {}):
                    yield f"{title(item)}: {name} is no reference to a Secret"


def the_file_names_every_variable(rendered: Rendered) -> Iterator[str]:
    """The server takes a nested setting from its environment only when the file names it; there it stays empty."""
    for item in _of(rendered, "api"):
        flat = dict(_flat(_configuration(rendered, item) or {}))
        names = {"ARCHES_" + path.upper().replace(".", "_").replace("-", "_"): value for path, value in flat.items()}
        for container in containers(item):
            for variable in container.get("env", []):
                name = variable["name"]
                if name.startswith("ARCHES_") and "valueFrom" in variable and names.get(name) != "":
                    yield f"{title(item)}: {name} has no empty setting in the file"


def _flat(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


CHECKS: tuple[Check, ...] = (
    the_api_finds_its_configuration,
    the_database_url_has_the_names_that_are_read,
    the_file_names_every_variable,
)
