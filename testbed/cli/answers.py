"""A cluster of a stack whose controllers have done nothing yet."""

from __future__ import annotations

from kubernetes.client import ApiClient

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.kinds import path


class Answers(Cluster):
    """A cluster that has some objects, none of them ready, and no others."""

    def __init__(self, objects: list[Object]) -> None:
        super().__init__(ApiClient(), "staging")
        self._objects = {_path(item): _begun(item) for item in objects}

    def find(self, path: str, query: object = None) -> Object | None:
        """An object as it was declared."""
        assert query is None
        return self._objects.get(path)

    def list(self, path: str, *, labels: str = "", fields: str = "") -> list[Object]:
        """Nothing that the cluster makes by itself exists."""
        assert path.startswith("/api")
        assert isinstance(labels + fields, str)
        return []


def _begun(item: Object) -> Object:
    """An object as the API server shows it before its controller has done anything; a Job gets a selector there."""
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": "1"}}
    spec = {"selector": selector} | item.get("spec", {}) if item["kind"] == "Job" else item.get("spec", {})
    return item | {"spec": spec, "status": {}}


def _path(item: Object) -> str:
    try:
        return path(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
    except KeyError:
        return ""
