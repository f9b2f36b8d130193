"""Read what runs in a namespace, and take over its fields and volumes, through the API server."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from archesai_infra.cli.adopt.live import KINDS, Live, Object
from archesai_infra.cli.adopt.owners import PREDECESSORS, PROVIDER
from archesai_infra.cli.base.cluster import MERGE_PATCH, Cluster
from archesai_infra.cli.base.kinds import api_version, path

Pods = dict[str, tuple[str, int]]
"""UID and number of restarts of each pod by its name."""


def read(cluster: Cluster, namespace: str) -> Live | None:
    """What the namespace has, None if it does not exist; raises ClusterError."""
    live = cluster.find(path("Namespace", name=namespace))
    if live is None:
        return None
    objects = {("Namespace", namespace): live, **dict(_objects(cluster, namespace))}
    claims = [item for (kind, _), item in objects.items() if kind == "PersistentVolumeClaim"]
    names = {name for claim in claims if (name := claim["spec"].get("volumeName"))}
    volumes = {name: volume for name in sorted(names) if (volume := cluster.find(path("PersistentVolume", name=name)))}
    classes = {item["metadata"]["name"]: item for item in cluster.list(path("StorageClass"))}
    return Live(cluster.context, namespace, objects, volumes, classes)


def _objects(cluster: Cluster, namespace: str) -> Iterator[tuple[tuple[str, str], Object]]:
    for kind in KINDS:
        for item in cluster.list(path(kind, namespace)):
            # The server omits from a list's items what they have in common.
            yield (kind, item["metadata"]["name"]), {"apiVersion": api_version(kind), "kind": kind, **item}


def pods(cluster: Cluster, namespace: str) -> Pods:
    """The pods that run in a namespace."""
    return {
        item["metadata"]["name"]: (
            item["metadata"]["uid"],
            sum(status.get("restartCount", 0) for status in item.get("status", {}).get("containerStatuses") or []),
        )
        for item in cluster.list(path("Pod", namespace))
    }


def moved(before: Pods, after: Pods) -> list[str]:
    """Pods that are gone, were replaced under the same name, or restarted."""
    return sorted(name for name, known in before.items() if after.get(name) != known)


def take_fields(cluster: Cluster, item: Object, setters: Collection[str]) -> None:
    """Hand fields of an object that another manager set to the provider, which would stop at a conflict for each.

    Only the list of managers changes: the provider takes over from this name in its first update, and drops then what
    the stack does not declare. Raises ClusterError.
    """
    # Read again: a status that was written meanwhile would make the server refuse the change.
    metadata = cluster.get(_path(item))["metadata"]
    managers = handed_over(metadata.get("managedFields") or [], setters)
    if managers != metadata.get("managedFields"):
        change = {"metadata": {"resourceVersion": metadata["resourceVersion"], "managedFields": managers}}
        cluster.send("PATCH", _path(item), change, content_type=MERGE_PATCH)


def handed_over(managers: list[Object], setters: Collection[str] = ()) -> list[Object]:
    """The managers of an object's fields; what the predecessors and the setters own is under the provider's name."""
    theirs = [
        one
        for one in managers
        if (one["manager"].startswith(PREDECESSORS) or one["manager"] in setters) and not one.get("subresource")
    ]
    if not theirs:
        return managers
    same = [one for one in managers if (one["manager"], one["operation"]) == (PROVIDER, "Update")]
    fields: Object = {}
    for one in (*theirs, *same):
        _merge(fields, one["fieldsV1"])
    taken = theirs[-1] | {"manager": PROVIDER, "operation": "Update", "fieldsV1": fields}
    return [*(one for one in managers if one not in theirs and one not in same), taken]


def _merge(fields: Object, others: Object) -> None:
    for key, value in others.items():
        _merge(fields.setdefault(key, {}), value)


def _path(item: Object) -> str:
    metadata = item["metadata"]
    if item["kind"] == "Namespace":
        return path("Namespace", name=metadata["name"])
    return path(item["kind"], metadata["namespace"], metadata["name"])


def keep_volume(cluster: Cluster, name: str) -> None:
    """Have a volume outlive its claim; raises ClusterError."""
    change = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
    cluster.send("PATCH", path("PersistentVolume", name=name), change, content_type=MERGE_PATCH)
