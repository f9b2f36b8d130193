"""Pods that CloudNativePG makes for a Cluster, as far as Services and policies meet them.

Labels and ports: pkg/specs of the operator, and https://cloudnative-pg.io/documentation/current/labels_annotations/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]
POOLER_PORTS = {"pgbouncer": 5432, "metrics": 9127}
PORTS = {"postgresql": 5432, "metrics": 9187, "status": 8000}


def made_pods(objects: Iterable[Object]) -> Iterator[Object]:
    """What runs the pods of each Cluster: a primary, standbys, and the Jobs that make them."""
    for item in objects:
        if item["kind"] == "Pooler":
            own = {"cnpg.io/cluster": item["spec"]["cluster"]["name"], "cnpg.io/podRole": "pooler"}
            labels = own | {"cnpg.io/poolerName": item["metadata"]["name"]}
            yield _runner(item, "pgbouncer", labels, POOLER_PORTS, item["spec"]["cluster"]["name"])
        if item["kind"] != "Cluster":
            continue
        cluster = item["metadata"]["name"]
        own = {"cnpg.io/cluster": cluster}
        for role in ("primary", "replica"):
            labels = own | {"cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role}
            yield _runner(item, f"{cluster} {role}", labels, PORTS)
        yield _runner(item, f"{cluster} job", own | {"cnpg.io/jobRole": "initdb"}, {})


def made_services(objects: Iterable[Object]) -> Iterator[Object]:
    """The Service of each Pooler."""
    for item in objects:
        if item["kind"] == "Pooler":
            of = item["metadata"]
            metadata = {"name": of["name"], "namespace": of["namespace"]}
            ports = [{"port": 5432, "targetPort": POOLER_PORTS["pgbouncer"]}]
            spec = {"selector": {"cnpg.io/poolerName": of["name"]}, "ports": ports}
            yield {"kind": "Service", "metadata": metadata, "spec": spec}


def _runner(item: Object, name: str, labels: dict[str, str], ports: dict[str, int], cluster: str = "") -> Object:
    listening = [{"name": port, "containerPort": number} for port, number in ports.items()]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "postgres", "ports": listening}]}}
    of = item["metadata"]
    metadata = {"name": name, "namespace": of["namespace"], "ownerCluster": cluster or of["name"]}
    return {"kind": "Pods", "metadata": metadata, "spec": {"template": template}}
