"""The objects that move a database: a Job with the server's tools, its scripts, and flows for the time of the move."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from archesai_infra.cli.move.plan import Plan
from archesai_infra.cli.upgrade.objects import found, resolving
from archesai_infra.components import database
from archesai_infra.components.backups import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.cluster import network
from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.names import object_name

Object = dict[str, Any]
COMPONENT = "database-move"
NAME = object_name(COMPONENT)
SWITCH_SECONDS = 300
"""Time between the complete copy and the switched Service; afterwards the single pod takes writes again."""
_READY = "/tmp/ready"
_VOLUMES = ("password", "scripts", "tmp")
"""Of the server's pod: no data, and no sockets."""
_RESOURCES = resources(("100m", "128Mi"), ("1", "512Mi"))


def helpers(plan: Plan, *arguments: str) -> list[Object]:
    """What the move needs, in the order in which it is created; `arguments` are the script's."""
    return [_config_map(plan), *_policies(plan), *_coming_policies(plan), _job(plan, arguments)]


def _metadata(plan: Plan, name: str = NAME) -> Object:
    return {"name": name, "namespace": plan.namespace, "labels": labels(COMPONENT, plan.stack)}


def _config_map(plan: Plan) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(plan), "data": scripts.move_files()}


def _policy(plan: Plan, name: str, spec: Object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(plan, name),
        "spec": spec,
    }


def _policies(plan: Plan) -> Iterator[Object]:
    """From the Job to both servers, both ways, and to the resolver as the stack's other clients."""
    ports = [{"protocol": "TCP", "port": database.PORT}]
    own = {"podSelector": {"matchLabels": selector(COMPONENT, plan.stack)}}
    instances = dict(network.instances(plan.cluster).labels)
    servers = {
        f"{NAME}-pod": {"podSelector": {"matchLabels": selector(database.MODULE, plan.stack)}},
        f"{NAME}-cluster": {"podSelector": {"matchLabels": instances}},
    }
    out = {"to": list(servers.values()), "ports": ports}
    types = ["Ingress", "Egress"]
    yield _policy(plan, NAME, {**own, "policyTypes": types, "egress": [out, *resolving(plan.beside)]})
    for name, server in servers.items():
        inward = {"policyTypes": ["Ingress"], "ingress": [{"from": [own], "ports": ports}]}
        yield _policy(plan, name, {**server, **inward})


def _coming_policies(plan: Plan) -> Iterator[Object]:
    """Policies of the stack after the move: clients reach the cluster as soon as the Service leads to it."""
    before = [item for item in plan.beside.objects if item["kind"] == "NetworkPolicy"]
    for item in plan.over.objects:
        if item["kind"] == "NetworkPolicy" and item not in before:
            yield _policy(plan, f"{NAME}-{item['metadata']['name']}", item["spec"])


def _job(plan: Plan, arguments: tuple[str, ...]) -> Object:
    template = deepcopy(found(plan.beside, "StatefulSet", database.NAME)["spec"]["template"])
    pod = template["spec"]
    pod["restartPolicy"] = "Never"
    # It gives the single pod its writes back, where the Service was not switched.
    pod["terminationGracePeriodSeconds"] = 60
    pod.pop("topologySpreadConstraints", None)
    (server,) = [one for one in pod["containers"] if one["name"] == "postgres"]
    pod["containers"] = [_container(plan, server, arguments)]
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] in _VOLUMES]
    for volume in pod["volumes"]:
        if volume["name"] == "scripts":
            volume["configMap"]["name"] = NAME
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(plan),
        "spec": {
            # The pod's log stays readable after a failure until the next try.
            "backoffLimit": 0,
            "template": {"metadata": {"labels": labels(COMPONENT, plan.stack)}, "spec": pod},
        },
    }


def _container(plan: Plan, server: Object, arguments: tuple[str, ...]) -> Object:
    """A container of the server's image, with its Secret and without its data."""
    left_out = ("lifecycle", "ports", "args")
    built = {key: value for key, value in server.items() if key not in left_out and "Probe" not in key}
    own = {
        "SCRIPTS": scripts.PATH,
        "READY": _READY,
        "SWITCH_SECONDS": str(SWITCH_SECONDS),
        "OLD_SERVER": f"{database.NAME}-headless:{database.PORT}",
        "NEW_SERVER": f"{plan.cluster.name}-rw:{network.PORT}",
        "SERVICE": f"{database.NAME}:{database.PORT}",
    }
    built["name"] = "move"
    built["command"] = [*scripts.run("move-database.sh"), *arguments]
    built["env"] = [*server["env"], *({"name": key, "value": value} for key, value in own.items())]
    built["volumeMounts"] = [mount for mount in server["volumeMounts"] if mount["name"] in _VOLUMES]
    built["resources"] = _RESOURCES.requirements()
    built["readinessProbe"] = {"exec": {"command": ["test", "-e", _READY]}, "periodSeconds": 1}
    return built
