"""A stand-in for Velero's node agent, which needs a kubelet.

It plays the agent's part in the protocol and lets Velero's own program copy the volume, so that what a restore brings
back has been through the real repository in the real bucket.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from testbed.controlplane.api import Api, Object
from testbed.programs import parts

STORAGE_CLASS = "dumps"
PASS_SECONDS = 0.5


def volume_directory(directory: Path, namespace: str) -> Path:
    """Where the dumps of a namespace are, for an agent with this directory."""
    return (directory / "volumes" / namespace).resolve()


class NodeAgent:
    """Provides the volumes of the dumps' claims and copies them for Velero."""

    def __init__(self, directory: Path, api: Api, variables: Callable[[], Mapping[str, str]]) -> None:
        """Nothing runs yet.

        Args:
            directory: Holds the volumes.
            api: The API server that Velero uses.
            variables: Environment of Velero's programs, asked for at each copy.
        """
        self._directory, self._api, self._variables = directory, api, variables
        self.errors: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Make volumes for the dumps' claims and copy them, until `stop` is set."""
        while not self.stop.wait(PASS_SECONDS):
            try:
                self._provide_volumes()
                for kind, verb in (("PodVolumeBackup", "backup"), ("PodVolumeRestore", "restore")):
                    for item in self._api.list("velero.io/v1", kind, "velero"):
                        if not item.get("status", {}).get("phase"):
                            self._copy(item, verb)
            except Exception as error:  # noqa: BLE001 - a thread's error would be lost
                self.errors.append(f"{type(error).__name__}: {error}")

    def _provide_volumes(self) -> None:
        volumes = {one["metadata"]["name"] for one in self._api.list("v1", "PersistentVolume")}
        for claim in self._api.list("v1", "PersistentVolumeClaim"):
            name = f"dumps-{claim['metadata']['uid']}"
            if claim["spec"].get("storageClassName") != STORAGE_CLASS or name in volumes:
                continue
            metadata = claim["metadata"]
            self._point_to(name, metadata["namespace"])
            reference = {key: metadata[key] for key in ("namespace", "name", "uid")}
            self._api.create(
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": name},
                    "spec": {
                        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": STORAGE_CLASS,
                        "persistentVolumeReclaimPolicy": "Delete",
                        "nfs": {"server": "127.0.0.1", "path": f"/{name}"},
                        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
                    },
                }
            )

    def _point_to(self, name: str, namespace: str) -> None:
        """The dump pod of a namespace sees the volume of its newest claim."""
        volumes = self._directory / "volumes"
        (volumes / name).mkdir(parents=True)
        link = volumes / "new"
        link.symlink_to(volumes / name)
        link.replace(volumes / namespace)

    def _copy(self, item: Object, verb: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._api.patch(item, {"status": {"phase": "InProgress", "startTimestamp": now}})
        name = item["metadata"]["name"]
        volume = volume_directory(self._directory, item["spec"]["pod"]["namespace"])
        flags = [f"--pod-volume-{verb}={name}", f"--volume-path={volume}", "--resource-timeout=1m"]
        if verb == "restore":
            flags.append(f"--cache-volume-path={self._directory / 'cache'}")
        command = [str(parts.executables("velero")["velero"]), "pod-volume", verb, *flags]
        done = subprocess.run(
            command, env=self._variables(), cwd="/", capture_output=True, text=True, check=False, timeout=120
        )
        (self._directory / f"{name}.log").write_text(done.stdout + done.stderr)
        result = self._result(name)
        status: Object = {"phase": "Completed", "completionTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if result is None:
            status |= {"phase": "Failed", "message": (done.stdout + done.stderr)[-500:]}
        elif verb == "backup":
            total = sum(path.stat().st_size for path in volume.rglob("*") if path.is_file())
            status |= {
                "snapshotID": result["snapshotID"],
                "path": str(volume),
                "progress": {"totalBytes": total, "bytesDone": total},
            }
        self._api.patch(item, {"status": status})

    def _result(self, name: str) -> Object | None:
        """The program's own message about its work, in an event."""
        for event in self._api.list("v1", "Event", "velero"):
            if event["involvedObject"]["name"] == name and event["reason"] == "Data-Path-Completed":
                return json.loads(event["message"])
        return None
