"""Secrets of a namespace that is restored: backups hold none, so they come from where the stack has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archesai_infra.cli.backups.store import Store
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.project import root
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import NoEngineError, obtain
from archesai_infra.cli.engine.existing_secrets import lacking
from archesai_infra.cli.engine.state import environment
from archesai_infra.components.backups.keys import UNSAVED
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.evaluate import evaluate


@dataclass(frozen=True)
class Secrets:
    """What a namespace lacks."""

    found: Mapping[str, Object]
    """The stack's own by name, with their values."""
    others: tuple[str, ...]
    """Commands that make those that the stack does not declare."""

    def create(self, store: Store, namespace: str) -> None:
        """Create the stack's own; raises ClusterError."""
        for name, source in self.found.items():
            metadata = {"name": name, "namespace": namespace}
            metadata |= {key: source["metadata"][key] for key in ("labels", "annotations") if key in source["metadata"]}
            content = {key: source[key] for key in ("data", "stringData", "type") if key in source}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **content}
            store.cluster.send("POST", path_of("Secret", namespace), body)


def collect(store: Store, namespace: str) -> Secrets:
    """The stack's Secrets that a namespace lacks, with their values.

    Values come from the stack's own namespace for a copy beside it, else from the state, else from the configuration;
    a value that none of them has is generated, and servers take it from the Secret when they start.

    Raises:
        CommandError: Secrets are missing and there is no engine to read the state with.
        ClusterError: The cluster does not show its Secrets.
    """
    raw = _whole(read_stack(store.stack))
    declared = evaluate(raw)
    own = store.settings.namespace
    absent = [name for name in _names(declared.objects, own) if _find(store, namespace, name) is None]
    found: dict[str, Object] = {}
    if namespace != own:
        found |= {name: live for name in absent if (live := _find(store, own, name)) is not None}
    if remaining := [name for name in absent if name not in found]:
        known = _known(store.stack, raw, remaining)
        found |= {name: known[name] for name in remaining}
    # The restore makes the namespace before anything in it is asked for.
    lacks = [
        replace(lack, namespace=namespace, in_namespace=True)
        for lack in lacking(store.cluster, declared)
        if lack.namespace == own
    ]
    lacks = [lack for lack in lacks if _find(store, namespace, lack.name) is None]
    return Secrets(found, tuple(line for lack in lacks for line in lack.commands(store.cluster.context)))


def _names(objects: Iterable[Object], namespace: str) -> Iterator[str]:
    for item in objects:
        metadata = item["metadata"]
        # The backups' own password never left with a backup; the next `up` brings it.
        unsaved = UNSAVED.items() <= metadata.get("labels", {}).items()
        if item["kind"] == "Secret" and metadata.get("namespace") == namespace and not unsaved:
            yield metadata["name"]


def _find(store: Store, namespace: str, name: str) -> Object | None:
    return store.cluster.find(path_of("Secret", namespace, name))


def _known(stack: str, raw: RawConfig, names: list[str]) -> dict[str, Object]:
    """Secrets by name as the state has them, else as the program makes them of the decrypted configuration."""
    try:
        command = Command(root(), stack, obtain(root()), environment(root()))
    except NoEngineError as error:
        raise CommandError(
            f"the backup holds no Secrets, and the state that has them needs the Pulumi engine: {error}; or create "
            f"the namespace and its Secrets first: {', '.join(names)}",
            Exit.ENGINE,
        ) from None
    exported = command.find("stack", "export", "--show-secrets")
    deployment = json.loads(exported)["deployment"] if exported else {}
    configuration = json.loads(command.run("config", "--json", "--show-secrets"))
    evaluation = evaluate(_decrypted(raw, configuration), reveal=True)
    declared = {item["metadata"]["name"]: item for item in evaluation.objects if item["kind"] == "Secret"}
    return declared | in_state(deployment)


def in_state(deployment: Mapping[str, Any]) -> dict[str, Object]:
    """Secrets by name, from an exported state whose secrets are decrypted."""
    found: dict[str, Object] = {}
    for resource in deployment.get("resources") or []:
        if resource["type"] == "kubernetes:core/v1:Secret" and "metadata" in resource.get("inputs", {}):
            inputs = _plain(resource["inputs"])
            found[inputs["metadata"]["name"]] = inputs
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value of the state without the engine's marks of secrets, whose text is JSON."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return _plain(json.loads(value["plaintext"]))
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _whole(raw: RawConfig) -> RawConfig:
    """The configuration of the whole stack, also while it is restored."""
    return replace(raw, values={key: value for key, value in raw.values.items() if key != "restoring"})


def _decrypted(raw: RawConfig, configuration: Mapping[str, Mapping[str, Any]]) -> RawConfig:
    values = {
        key.partition(":")[2]: str(item.get("value", "")) for key, item in configuration.items() if item["secret"]
    }
    return replace(raw, values={**raw.values, **{key: values[key] for key in raw.secret_keys if key in values}})
