"""The namespace that a restore goes to, with Velero's rights in it: Velero itself may make neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.cli.backups.store import Store
from archesai_infra.cli.base.cluster import Object
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.components.backups import rights
from archesai_infra.stack.evaluate import evaluate


def prepare(store: Store, namespace: str) -> None:
    """Create what the namespace lacks, as the stack's own has it; raises ClusterError."""
    own = store.settings.namespace
    # With the annotations that only the engine reads: without them it would see changed objects afterwards.
    objects = [resource.inputs for resource in evaluate(read_stack(store.stack)).resources if resource.is_object]
    for item in objects:
        if item["kind"] == "Namespace" and item["metadata"]["name"] == own:
            _create(store, path_of("Namespace"), item, item["metadata"] | {"name": namespace})
    for item in objects:
        named = (item["metadata"].get("namespace"), item["metadata"]["name"])
        if item["kind"] in ("Role", "RoleBinding") and named == (own, rights.NAME):
            _create(store, path_of(item["kind"], namespace), item, item["metadata"] | {"namespace": namespace})


def _create(store: Store, collection: str, item: Mapping[str, Any], metadata: Object) -> None:
    if store.cluster.find(f"{collection}/{metadata['name']}") is None:
        store.cluster.send("POST", collection, {**item, "metadata": metadata})
