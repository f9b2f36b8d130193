"""To whom the files of a running data module belong: the stack's server has to run as the same user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from archesai_infra.cli.adopt.live import FileOwner, Live, Object
from archesai_infra.cli.adopt.plan import Setting
from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.kinds import path
from archesai_infra.components import database, storage
from archesai_infra.components.base.settings import DataVolume

_IMAGES = (
    (re.compile(r"(?:postgres|pgvector|postgis|timescaledb)\b.*alpine"), FileOwner(70, 70)),
    (re.compile(r"(?:postgres|pgvector|postgis|timescaledb)\b"), FileOwner(999, 999)),
    (re.compile(r"(?:redis|valkey)\b.*alpine"), FileOwner(999, 1000)),
    (re.compile(r"(?:redis|valkey)\b"), FileOwner(999, 999)),
    (re.compile(r"rustfs\b"), FileOwner(10001, 10001)),
    (re.compile(r"minio\b"), FileOwner(0, 0)),
)
"""Users of the official images, by their Dockerfiles, where the manifest names none."""
_OTHERS_IMAGES = re.compile(r"(?:^|/)bitnami")
"""Rebuilds whose users are their own."""
_STAT_SECONDS = 10
_OF_THE_POD = ("imagePullSecrets", "nodeSelector", "tolerations")
"""Fields of a pod with which another one gets the same image onto the same nodes."""


def measured(cluster: Cluster, namespace: str, workload: Object, container: str, directory: str) -> FileOwner | None:
    """The owner of a directory in the workload's running pod; None where no pod runs or no command may run in it."""
    labels = ",".join(f"{key}={value}" for key, value in workload["spec"]["selector"].get("matchLabels", {}).items())
    running = [
        pod["metadata"]["name"]
        for pod in cluster.list(path("Pod", namespace), labels=labels)
        if pod.get("status", {}).get("phase") == "Running"
    ]
    if not running:
        return None
    command = ["stat", "-c", "%u %g", directory]
    try:
        done = cluster.execute(namespace, running[0], command, container=container, seconds=_STAT_SECONDS)
    except ClusterError:
        # Not everybody who may adopt may run commands in pods: the manifest and the image say it too.
        return None
    numbers = re.fullmatch(r"(\d+) (\d+)\s*", done.output)
    return FileOwner(int(numbers[1]), int(numbers[2])) if numbers else None


def declared(workload: Object, container: Object) -> FileOwner | None:
    """The user that a manifest names, else that of its image; None for an image that is not known."""
    pod: Object = workload["spec"]["template"]["spec"].get("securityContext") or {}
    own: Object = container.get("securityContext") or {}
    user = own.get("runAsUser", pod.get("runAsUser"))
    if user is not None:
        group = own.get("runAsGroup", pod.get("runAsGroup", pod.get("fsGroup", user)))
        return FileOwner(int(user), int(group))
    image = str(container["image"]).partition("@")[0]
    if _OTHERS_IMAGES.search(image):
        return None
    return next((owner for pattern, owner in _IMAGES if pattern.search(image)), None)


def owner_settings(
    module: str, own: DataVolume, workload: Object, container: Object, live: Live
) -> Iterator[Setting | str]:
    """The settings with which the stack's server may use the files, or as a text why it could not.

    PostgreSQL refuses files of another user. For redis the volume's group is enough. Files of root, which no pod of the
    stack runs as, stay with the default user; those of an object storage are given to it (`given_away`).
    """
    name = workload["metadata"]["name"]
    found = live.owners.get(name) or declared(workload, container)
    what = f"{module}: {workload['kind']} {name}"
    if found is None:
        if module == database.MODULE and "run_as_user" not in own.model_fields_set:
            look = live.kubectl(f"exec {workload['kind'].lower()}/{name} -- sh -c 'stat -c %u $PGDATA'")
            yield (
                f"{what}: the user of its image is not known, and PostgreSQL refuses files of another one: look with "
                f"{look} and set {module}.runAsUser"
            )
        return
    if found.user == 0:
        return
    if "run_as_user" in own.model_fields_set:
        if found.user != own.run_as_user and module == database.MODULE:
            yield (
                f"{what}: its files belong to user {found.user}, and PostgreSQL refuses files of another one: "
                f"set {module}.runAsUser to {found.user} (got {own.run_as_user})"
            )
        return
    if found.user != own.run_as_user:
        yield Setting(f"{module}.runAsUser", str(found.user), "the files on the volume belong to it")
        if found.group not in (0, found.user):
            yield Setting(f"{module}.runAsGroup", str(found.group), "the files on the volume belong to it")


def given_away(own: DataVolume, workload: Object, container: Object, live: Live, volume: str) -> Sequence[str]:
    """Commands that give an object storage's files, which are root's, to the user of the stack's server.

    MinIO opens files with O_NOATIME, which Linux allows to their owner and to root (open(2)): the volume's group is not
    enough. A pod does it once the old server has ended, which until then makes more files of root.

    Args:
        own: The stack's server.
        workload: What runs the old one.
        container: Its container with the files.
        live: What runs.
        volume: Name of the pod's volume with the files.
    """
    name = workload["metadata"]["name"]
    found = live.owners.get(name) or declared(workload, container)
    claim = live.claim_of(workload, volume)
    if not isinstance(own, storage.ManagedStorage) or found is None or found.user != 0 or claim is None:
        return ()
    pod = f"{name}-owner"
    labels = ",".join(f"{key}={value}" for key, value in workload["spec"]["selector"]["matchLabels"].items())
    mounts = [mount for mount in container["volumeMounts"] if mount["name"] == volume]
    user = f"{own.run_as_user}:{own.run_as_group or own.run_as_user}"
    giving = {
        "name": pod,
        "image": container["image"],
        "command": ["chown", "-R", user, *(mount["mountPath"] for mount in mounts)],
        "volumeMounts": mounts,
    }
    spec = {
        "containers": [giving],
        "volumes": [{"name": volume, "persistentVolumeClaim": {"claimName": claim}}],
        **{key: value for key in _OF_THE_POD if (value := workload["spec"]["template"]["spec"].get(key))},
    }
    overrides = json.dumps({"apiVersion": "v1", "spec": spec}, separators=(",", ":"))
    run = f"run {pod} --image {container['image']} --restart=Never --rm --attach --quiet --overrides '{overrides}'"
    return live.kubectl(f"wait pods --selector {labels} --for=delete --timeout=300s"), live.kubectl(run)
