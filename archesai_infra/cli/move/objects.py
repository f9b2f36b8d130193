"""The objects that move a database: a Job with the server's tools, its scripts, and flows for the time of the move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archesai_infra.cli.base.server_job import ServerJob, container, resolving
from archesai_infra.cli.move import elsewhere
from archesai_infra.cli.move.plan import Plan
from archesai_infra.components import database
from archesai_infra.components.backups import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.database.cluster import network
from archesai_infra.kube.labels import selector
from archesai_infra.kube.names import object_name

Object = dict[str, Any]
COMPONENT = "database-move"
NAME = object_name(COMPONENT)
CHECK, BACK = "check", "back"
"""The script's words for what it does in place of a move."""
SWITCH_SECONDS = 300
"""Time between the complete copy and the switched Service; afterwards the old server takes writes again."""
_VOLUMES = ("password", "scripts", "tmp")
"""Of the server's pod: no data, and no sockets."""
_RESOURCES = resources(("100m", "128Mi"), ("1", "512Mi"))


def helpers(plan: Plan, *arguments: str) -> list[Object]:
    """What the move needs, in the order in which it is created; `arguments` are the script's."""
    server = ServerJob(COMPONENT, plan.namespace, plan.stack)
    coming = () if CHECK in arguments else _coming_policies(plan)
    policies = [server.policy(name, spec) for name, spec in (*_policies(plan), *coming)]
    return [server.config_map(scripts.move_files()), *policies, _job(plan, server, arguments)]


def _policies(plan: Plan) -> Iterator[tuple[str, Object]]:
    """From the Job to both servers, both ways, and to the resolver as the stack's other clients."""
    ports = [{"protocol": "TCP", "port": database.PORT}]
    own = {"podSelector": {"matchLabels": selector(COMPONENT, plan.stack)}}
    instances = dict(network.instances(plan.cluster).labels)
    servers = {f"{NAME}-cluster": {"podSelector": {"matchLabels": instances}}}
    if plan.elsewhere is None:
        servers[f"{NAME}-pod"] = {"podSelector": {"matchLabels": selector(database.MODULE, plan.stack)}}
    out = [{"to": list(servers.values()), "ports": ports}, *elsewhere.egress(plan), *resolving(plan.pod)]
    yield NAME, {**own, "policyTypes": ["Ingress", "Egress"], "egress": out}
    for name, server in servers.items():
        inward = {"policyTypes": ["Ingress"], "ingress": [{"from": [own], "ports": ports}]}
        yield name, {**server, **inward}


def _coming_policies(plan: Plan) -> Iterator[tuple[str, Object]]:
    """Policies of the stack after the move: clients reach the cluster as soon as the Service leads to it."""
    before = [item for item in plan.beside.objects if item["kind"] == "NetworkPolicy"]
    for item in plan.over.objects:
        if item["kind"] == "NetworkPolicy" and item not in before:
            yield f"{NAME}-{item['metadata']['name']}", item["spec"]


def _job(plan: Plan, server: ServerJob, arguments: tuple[str, ...]) -> Object:
    """With the server's Secret and without its data."""
    environment = {
        "SCRIPTS": scripts.PATH,
        "SWITCH_SECONDS": str(SWITCH_SECONDS),
        **(elsewhere.environment(plan) or {"OLD_SERVER": f"{database.NAME}-headless:{database.PORT}"}),
        "NEW_SERVER": f"{plan.cluster.name}-rw:{network.PORT}",
        "SERVICE": f"{database.NAME}:{database.PORT}",
    }
    moving = container(plan.pod, [*scripts.run("move-database.sh"), *arguments], environment)
    moving.pop("args", None)
    moving["name"] = "move"
    moving["volumeMounts"] = [mount for mount in moving["volumeMounts"] if mount["name"] in _VOLUMES]
    moving["resources"] = _RESOURCES.requirements()
    # It gives the old server its writes back, where the Service was not switched.
    job = server.job(plan.pod, moving, grace_seconds=60, volumes=_VOLUMES)
    if plan.elsewhere is not None:
        elsewhere.complete(job, plan, plan.elsewhere, check=CHECK in arguments)
    return job
