"""The old deployment as `kustomize build` made it: two labels per component, hashed Secrets, one account for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from testbed.controlplane.api import Object

PASSWORD = "old:pass/word"
REDIS_PASSWORD = "old redis"
ACCESS_KEY, SECRET_KEY = "old-access", "old-secret"
DATABASE_SECRET = "archesai-database-5f7h2k9g4t"
"""Kustomize names a generated Secret by its content."""
DATABASE_CLAIM = "archesai-postgres-archesai-postgres-0"
"""What the StatefulSet made of its template `archesai-postgres`."""
IMAGES = {
    "api": "archesai/api:v0.9.0",
    "platform": "archesai/platform:v0.9.0",
    "postgres": "pgvector/pgvector:pg16",
    "redis": "redis:7-alpine",
    "storage": "minio/minio:latest",
}
COMMANDS = {
    "redis": {"command": ["redis-server", "--requirepass", "$(REDIS_PASSWORD)"]},
    "storage": {"args": ["server", "/data", "--console-address", ":9001"]},
}
"""How a container starts that its image does not start by itself."""
PORTS = {
    "api": {"http": 3001},
    "platform": {"http": 3000},
    "postgres": {"postgres": 5432},
    "redis": {"redis": 6379},
    "storage": {"api": 9000, "console": 9001},
}


def old_deployment(namespace: str, images: Mapping[str, str] = IMAGES) -> list[Object]:
    """A namespace, an account, api, platform, database, redis, storage and an Ingress.

    Args:
        namespace: Made, and everything is in it.
        images: Of each component, where a cluster has others than those that ran once.
    """
    objects = [*_surroundings(), *_application(), *_database(), *_redis(), *_storage()]
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            for container in item["spec"]["template"]["spec"]["containers"]:
                container["image"] = images[container["name"]]
        if item["kind"] != "Namespace":
            item["metadata"]["namespace"] = namespace
    objects[0]["metadata"] |= {"name": namespace}
    return objects


def _labels(component: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": component}


def _object(api_version: str, kind: str, name: str, component: str, **rest: Any) -> Object:  # noqa: ANN401 - JSON
    metadata = {"name": name, "labels": _labels(component)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _surroundings() -> Iterator[Object]:
    common = {"app.kubernetes.io/managed-by": "kustomize", "app.kubernetes.io/part-of": "archesai"}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "", "labels": {"name": "archesai"} | common}}
    account = _object("v1", "ServiceAccount", "archesai", "serviceaccount", automountServiceAccountToken=False)
    account["metadata"]["labels"] |= common
    yield account
    secret = {"POSTGRES_PASSWORD": PASSWORD, "DATABASE_URL": "postgresql://admin@archesai-postgres:5432/archesai"}
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": DATABASE_SECRET},
        "type": "Opaque",
        "stringData": secret,
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "archesai-config"},
        "data": {"config.yaml": ""},
    }
    backend = {"service": {"name": "archesai-api", "port": {"number": 3001}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rule = {"host": "api.archesai.local", "http": {"paths": paths}}
    ingress = _object("networking.k8s.io/v1", "Ingress", "archesai-api", "ingress")
    ingress["metadata"]["annotations"] = {"cert-manager.io/cluster-issuer": "letsencrypt-prod"}
    yield ingress | {"spec": {"ingressClassName": "nginx", "rules": [rule]}}


def _application() -> Iterator[Object]:
    for component in ("api", "platform"):
        yield _service(component)
        yield _deployment(component, [])


def _database() -> Iterator[Object]:
    yield _service("postgres")
    secret = {"secretKeyRef": {"name": DATABASE_SECRET, "key": "POSTGRES_PASSWORD"}}
    env = [
        {"name": "POSTGRES_DB", "value": "archesai"},
        {"name": "POSTGRES_USER", "value": "admin"},
        {"name": "POSTGRES_PASSWORD", "valueFrom": secret},
        {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
    ]
    template = _template("postgres", env, "/var/lib/postgresql/data", "archesai-postgres")
    claim = {"metadata": {"name": "archesai-postgres", "labels": _labels("postgres")}, "spec": _claim_spec("10Gi")}
    yield _object(
        "apps/v1",
        "StatefulSet",
        "archesai-postgres",
        "postgres",
        spec={
            "serviceName": "archesai-postgres",
            "replicas": 1,
            "selector": {"matchLabels": _labels("postgres")},
            "template": template,
            "volumeClaimTemplates": [claim],
        },
    )


def _redis() -> Iterator[Object]:
    yield _service("redis")
    yield _object("v1", "PersistentVolumeClaim", "archesai-redis", "redis", spec=_claim_spec("1Gi"))
    yield _secret("redis", {"REDIS_PASSWORD": REDIS_PASSWORD})
    yield _deployment("redis", [_from("redis", "REDIS_PASSWORD")], data="/data")


def _storage() -> Iterator[Object]:
    keys = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
    yield _service("storage")
    yield _object("v1", "PersistentVolumeClaim", "archesai-storage", "storage", spec=_claim_spec("10Gi"))
    yield _secret("storage", keys)
    yield _deployment("storage", [_from("storage", key) for key in keys], data="/data")


def _secret(component: str, values: dict[str, str]) -> Object:
    name = f"archesai-{component}"
    return _object("v1", "Secret", name, component, type="Opaque", stringData=values)


def _from(component: str, key: str) -> Object:
    return {"name": key, "valueFrom": {"secretKeyRef": {"name": f"archesai-{component}", "key": key}}}


def _service(component: str) -> Object:
    ports = [
        {"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in PORTS[component].items()
    ]
    spec = {"type": "ClusterIP", "ports": ports, "selector": _labels(component)}
    return _object("v1", "Service", f"archesai-{component}", component, spec=spec)


def _deployment(component: str, env: list[Object], *, data: str | None = None) -> Object:
    template = _template(component, env, data, "data" if data else None)
    spec: Object = {"replicas": 1, "selector": {"matchLabels": _labels(component)}, "template": template}
    if data:
        spec["strategy"] = {"type": "Recreate"}
        claim = {"claimName": f"archesai-{component}"}
        template["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": claim}]
    return _object("apps/v1", "Deployment", f"archesai-{component}", component, spec=spec)


def _template(component: str, env: list[Object], data: str | None, volume: str | None) -> Object:
    ports = [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in PORTS[component].items()]
    container: Object = {"name": component, "ports": ports, "env": env, **COMMANDS.get(component, {})}
    if data:
        container["volumeMounts"] = [{"name": volume, "mountPath": data}]
    pod: Object = {"serviceAccountName": "archesai", "containers": [container]}
    return {"metadata": {"labels": _labels(component)}, "spec": pod}


def _claim_spec(size: str) -> Object:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
