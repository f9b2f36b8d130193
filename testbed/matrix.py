"""Stacks with every switch in every position, built from what each switch can be."""

from __future__ import annotations

from testbed.stacks import ALONE, DEVELOPMENT, Config

ON: Config = {"enabled": True}
OFF: Config = {"enabled": False}
PINNED: Config = {"image": {"tag": "v1.0.0"}}
DATABASE_PASSWORD: Config = {"databasePassword": 'unmistakable "database" password/1'}
REDIS_PASSWORD: Config = {"redisPassword": "unmistakable redis password"}
STORAGE_KEYS: Config = {"storageAccessKey": "unmistakable access key", "storageSecretKey": "unmistakable secret key"}
TLS: Config = {"enabled": True, "issuer": "letsencrypt-prod"}
ISSUER: Config = {"create": True, "email": "operations@example.com"}

PLACED: Config = DEVELOPMENT | {"domain": "example.com"}
"""What development has switched on, below a domain."""
EVERYTHING: Config = PLACED | {
    "redis": ON,
    "storage": ON,
    "unstructured": ON,
    "scraper": ON,
    "ingress": ON | {"hosts": {"storage": "storage"}},
}
PRODUCTION: Config = EVERYTHING | {
    "environment": "production",
    "api": PINNED,
    "platform": PINNED,
    "storage": ON | {"acceptSingleNode": True},
}

_EXTERNAL = {
    "database": {"mode": "external", "host": "db.example.com", "cidrs": ["10.9.0.0/16"]},
    "redis": ON | {"mode": "external", "host": "redis.example.com", "port": 6380, "cidrs": ["10.9.0.0/16"]},
    "storage": ON | {"mode": "external", "host": "s3.example.com"},
}
_SWITCHED_ON = {"redis": ON, "storage": ON, "unstructured": ON, "scraper": ON, "ingress": ON}
_SWITCHED_OFF: dict[str, Config] = {
    "platform": {"platform": OFF},
    "api and platform": {"api": OFF, "platform": OFF},
    "redis": {"redis": OFF},
    "storage": {"storage": OFF, "ingress": ON},
    "unstructured": {"unstructured": OFF},
    "scraper": {"scraper": OFF},
    "ingress": {"ingress": OFF},
    "the migrations' Job": {"migrations": {"mode": "startup"}},
    "migrations": {"migrations": {"mode": "off"}},
}
_ONLY: dict[str, Config] = {
    "nothing": {},
    "the database": {"database": ON},
    "redis": {"redis": ON},
    "storage": {"storage": ON},
    "scraper": {"scraper": ON},
    "unstructured": {"unstructured": ON},
}
_HOST = {"runOnHost": {"ip": "172.18.0.1", "port": 4000}}
_ON_HOST: dict[str, Config] = {
    "api": {"api": _HOST},
    "platform": {"platform": _HOST},
    "database": {"database": _HOST} | DATABASE_PASSWORD,
    "redis": {"redis": ON | _HOST} | REDIS_PASSWORD,
    "redis over IPv6": {"redis": ON | {"runOnHost": {"ip": "fd00::1", "port": 6379}, "existingSecret": "their-redis"}},
    "everything that can": (
        {"api": _HOST, "platform": _HOST, "database": _HOST, "redis": ON | _HOST} | DATABASE_PASSWORD | REDIS_PASSWORD
    ),
}
_INGRESS: dict[str, Config] = {
    "nginx with issuer": {"tls": TLS},
    "nginx with an existing certificate": {"tls": {"enabled": True, "existingSecret": "their-certificate"}},
    "traefik": {"className": "traefik"},
    "traefik with TLS": {"className": "traefik", "tls": TLS, "rateLimit": None},
    "another class": {"className": "haproxy", "controller": {"namespace": "haproxy"}},
    "a load balancer that is no pod": {
        "className": "gce",
        "controller": {"cidrs": ["130.211.0.0/22", "35.191.0.0/16"]},
    },
    "our controller for nginx": {"controller": {"install": True, "replicas": 2}},
    "Cilium's own": {"className": "cilium", "tls": TLS, "controller": {"cilium": True}},
    "our controller for traefik": {"className": "traefik", "controller": {"install": True}},
    "cert-manager and issuer": {"tls": TLS, "clusterIssuer": ISSUER, "certManager": {"install": True}},
    "a controller elsewhere": {"controller": {"namespace": "edge", "podLabels": {"app": "edge"}}},
}
_OTHERS: dict[str, Config] = {
    "autoscaling": {"api": {"autoscaling": ON}, "platform": {"autoscaling": ON | {"minReplicas": 2}}},
    "data given up": {"retainData": False},
    "a replicated redis": {"redis": ON | {"mode": "replicated"}, "monitoring": ON},
    "a replicated redis on few nodes": {
        "redis": ON | {"mode": "replicated", "apart": "preferred"},
        "backups": ON | {"bucket": "elsewhere", "existingSecret": "cloud"},
    },
    "minio": {"storage": ON | {"server": "minio"}},
    "a mirror and a pull secret": {
        "images": {"registry": "registry.example.com/mirror", "pullPolicy": "IfNotPresent"},
        "security": {"registry": {"server": "registry.example.com", "username": "robot"}},
        "registryPassword": "unmistakable registry password",
    },
    "a token and more addresses": {
        "cluster": {"apiServer": ["10.96.0.1/32"]},
        "api": {"kubernetesAccess": True, "egress": [{"cidr": "10.20.0.0/16", "ports": [8443]}]},
    },
    "a token with Cilium": {"cluster": {"cilium": True}, "api": {"kubernetesAccess": True}},
    "secret settings": {
        "api": {
            "existingSecret": "their-signing-key",
            "settings": {"intelligence": {"llm": {"endpoint": "https://llm.example.com:443"}}},
            "secretSettings": {"auth.google.clientSecret": {"secret": "their-google", "key": "secret"}},
        },
        "apiSecretSettings": {"auth.github.clientSecret": "unmistakable client secret"},
    },
    "a lost cluster while it is restored": {
        "restoring": True,
        "backups": ON | {"bucket": "elsewhere", "existingSecret": "cloud"},
    },
    "a configured signing key": {"apiJwtSecret": "unmistakable signing key"},
    "quota, limits and a namespace": {
        "namespace": "team-a",
        "security": {
            "quota": ON,
            "limits": ON,
            "dns": {"peers": [{"namespace": "dns", "podLabels": {"app": "coredns"}}]},
        },
    },
    "monitoring": {"monitoring": ON},
    "monitoring by an existing operator": {"monitoring": ON | {"operator": "existing", "namespace": "observability"}},
    "logs in the object storage": {"monitoring": ON | {"logs": {"storage": "objectStorage"}}},
    "placement": {
        "database": {"scheduling": {"nodeSelector": {"disk": "ssd"}, "priorityClass": "important"}},
        "api": {"scheduling": {"tolerations": [{"key": "api", "operator": "Exists", "effect": "NoSchedule"}]}},
        "migrations": {"command": ["archesai", "db", "up"], "run": 2},
    },
}

_API_SERVER: Config = {"cluster": {"apiServer": ["10.96.0.1/32"]}}
CLUSTER: Config = {"database": {"mode": "cluster"}} | _API_SERVER
"""PostgreSQL as a cluster of instances."""


def _clustered(**settings: object) -> Config:
    return CLUSTER | {"database": {"mode": "cluster"} | settings}


_ARCHIVED = _clustered(cluster={"archive": ON}) | {
    "backups": {"enabled": True, "bucket": "backups"},
    "backupsAccessKey": "access-key-of-a-test",
    "backupsSecretKey": "secret-key-of-a-test",
}
_RECOVERED = {"generation": 2, "source": "archesai-db-1-1", "targetTime": "2026-05-04T10:30:00Z"}
_ELSEWHERE = {"host": "db.example.com", "cidrs": ["10.9.0.0/16"], "sslMode": "verify-full", "ca": {"secret": "roots"}}
_CLUSTERS: dict[str, Config] = {
    "database cluster": CLUSTER,
    "database cluster by an existing operator": _clustered(cluster={"operator": "existing", "readService": True}),
    "database cluster beside the single pod that serves": _clustered(singlePod="serving", size="5Gi"),
    "database cluster beside the single pod that is kept": _clustered(singlePod="kept", size="5Gi"),
    "database cluster beside a server elsewhere": CLUSTER
    | DATABASE_PASSWORD
    | {"database": {"mode": "external", **_ELSEWHERE, "cluster": {}}},
    "database cluster moved from a server elsewhere": _clustered(movedFrom=_ELSEWHERE) | DATABASE_PASSWORD,
    "database cluster with an existing Secret": _clustered(
        existingSecret="their-database", cluster={"existingUserSecret": "their-login"}
    ),
    "database cluster with a pooler": _clustered(pooler={}),
    "database cluster with a pooler and monitoring": _clustered(pooler={}) | {"monitoring": ON},
    "database cluster with a pooler and an existing Secret": _clustered(
        pooler={}, existingSecret="their-database", cluster={"existingUserSecret": "their-login"}
    ),
    "database cluster with a pooler and Cilium": _clustered(pooler={}) | {"cluster": {"cilium": True}},
    "database cluster with monitoring": CLUSTER | {"monitoring": ON},
    "database cluster with an archive": _ARCHIVED,
    "database cluster with a drill of its archive": _ARCHIVED | {"backups": ON | {"bucket": "backups", "drill": ON}},
    "database cluster recovered beside another": _ARCHIVED
    | {"database": {"mode": "cluster", "cluster": {"archive": ON, "beside": 2, "recovered": [_RECOVERED]}}},
}


def _data_forms() -> dict[str, Config]:
    keys = {"database": DATABASE_PASSWORD, "redis": REDIS_PASSWORD, "storage": STORAGE_KEYS}
    forms: dict[str, Config] = {}
    for module, external in _EXTERNAL.items():
        theirs = {"existingSecret": f"their-{module}"}
        forms |= {
            f"{module} with configured credentials": {module: ON} | keys[module],
            f"{module} with an existing Secret": {module: ON | theirs},
            f"external {module}": {module: external} | keys[module],
            f"external {module} with an existing Secret": {module: external | theirs},
        }
    forms["external database by URL"] = {
        "database": {"mode": "external", "port": 5433},
        "databaseUrl": "postgresql://archesai:unmistakable@db.example.com:5433/archesai",
    }
    return forms


MATRIX: dict[str, Config] = {
    "everything": EVERYTHING,
    "production": PRODUCTION,
    "production with autoscaling": PRODUCTION | {"api": PINNED | {"autoscaling": ON}, "retainData": False},
    "production on external data": PRODUCTION
    | {"ingress": ON}
    | _EXTERNAL
    | DATABASE_PASSWORD
    | REDIS_PASSWORD
    | STORAGE_KEYS,
    **{f"development and {module}": DEVELOPMENT | {module: switch} for module, switch in _SWITCHED_ON.items()},
    **{f"everything but {name}": EVERYTHING | change for name, change in _SWITCHED_OFF.items()},
    **{f"only {name}": DEVELOPMENT | ALONE | change for name, change in _ONLY.items()},
    **{name: PLACED | change for name, change in _data_forms().items()},
    **{name: PLACED | change for name, change in _CLUSTERS.items()},
    **{f"on the host: {name}": PLACED | {"ingress": ON} | change for name, change in _ON_HOST.items()},
    **{f"ingress: {name}": PLACED | {"ingress": ON | change} for name, change in _INGRESS.items()},
    **{name: EVERYTHING | change for name, change in _OTHERS.items()},
}
"""Configurations by name."""
