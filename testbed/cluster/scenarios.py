"""The stacks that are run on the control plane, each in namespaces of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.stacks import Config, render, shipped_config

ON: Config = {"enabled": True}
MADE_UP = "made up for a test"

EVERYTHING: Config = {
    "environment": "production",
    "domain": "arches.example.com",
    "registryPassword": MADE_UP,
    "backupsAccessKey": MADE_UP,
    "backupsSecretKey": MADE_UP,
    "security": {
        "registry": {"server": "registry.example.com", "username": "robot"},
        "quota": ON | {"hard": {"requests.cpu": "40", "requests.memory": "80Gi", "pods": "100"}},
        "limits": ON,
    },
    "api": {
        "image": {"tag": "v1.0.0"},
        "autoscaling": ON,
        "egress": [{"cidr": "10.20.0.0/16", "ports": [8443]}],
    },
    "platform": {"image": {"tag": "v1.0.0"}, "replicas": 2, "autoscaling": ON | {"minReplicas": 2, "maxReplicas": 4}},
    "database": {"scheduling": {"priorityClass": "data"}},
    "redis": ON,
    "storage": ON | {"acceptSingleNode": True},
    "unstructured": ON,
    "scraper": ON,
    "ingress": ON
    | {
        "hosts": {"storage": "storage", "grafana": "grafana"},
        "tls": ON | {"issuer": "letsencrypt-staging"},
        "clusterIssuer": {"create": True, "email": "operations@example.com"},
        "controller": {"install": True},
        "certManager": {"install": True},
    },
    "backups": ON | {"bucket": "arches-backups", "drill": ON},
    "monitoring": ON
    | {"alerts": {"unattended": True}, "metrics": {"nodes": True, "api": True}, "logs": {"storage": "objectStorage"}},
}
"""Every module and every switch that adds an object."""

EVERYTHING_ELSE: Config = {
    "api": {"kubernetesAccess": True},
    "cluster": {"apiServer": ["10.96.0.1/32"]},
    "redis": {"mode": "replicated"},
    "storage": {"server": "minio"},
    "ingress": {
        "className": "traefik",
        "hosts": {"grafana": None},
        "tls": {"issuer": None, "existingSecret": "their-certificate"},
        "clusterIssuer": {"create": False},
    },
    "monitoring": {"operator": "existing"},
}
"""On top of it: the other form of what has two."""


@dataclass(frozen=True)
class Scenario:
    """A stack and what of its surroundings it takes for granted."""

    name: str
    config: Config
    others: tuple[Object, ...] = field(default=())
    """Objects that others made."""

    @property
    def namespace(self) -> str:
        """Namespace of the stack."""
        return str(self.config["namespace"])

    def evaluation(self, change: Config | None = None) -> Evaluation:
        """The stack with its secrets in plain text, as an engine hands it to the API server."""
        return render(merged(self.config, change or {}), self.name, reveal=True)


def merged(config: Config, change: Config) -> Config:
    """A configuration with another laid over it, key by key."""
    result = dict(config)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def alone(config: Config, name: str) -> Config:
    """The same stack in namespaces that no other stack of this control plane uses."""
    homes: Config = {"namespace": name}
    if config.get("ingress", {}).get("enabled"):
        homes["ingress"] = {
            "controller": {"namespace": f"{name}-ingress"},
            "certManager": {"namespace": f"{name}-cert-manager"},
        }
    if config.get("monitoring", {}).get("enabled"):
        homes["monitoring"] = {"namespace": f"{name}-monitoring"}
    if config.get("backups", {}).get("enabled"):
        homes["backups"] = {"velero": {"namespace": f"{name}-velero"}}
    return merged(config, homes)


def priority_class(name: str, value: int) -> Object:
    """A class of pods that go before others."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


def ingress_class(name: str) -> Object:
    """The class of a controller that others run."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": f"tests/{name}"},
    }


DATA_PRIORITY = 1000
_OTHERS = (priority_class("data", DATA_PRIORITY), ingress_class("traefik"))

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("dev", alone(shipped_config("dev"), "stack-dev")),
        Scenario("prod", alone(shipped_config("prod"), "stack-prod")),
        Scenario("everything", alone(EVERYTHING, "stack-everything"), _OTHERS),
        Scenario("everything-else", alone(merged(EVERYTHING, EVERYTHING_ELSE), "stack-everything-else"), _OTHERS),
    )
}
