"""The objects that copy a database: a Job like the server's own pod, its scripts, its flows and the new claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from archesai_infra.cli.upgrade.lease import LEASE_SECONDS
from archesai_infra.cli.upgrade.plan import Plan, managed
from archesai_infra.components import database
from archesai_infra.components.backups import scripts
from archesai_infra.components.base.scripts import script
from archesai_infra.components.database.server import PACKAGE
from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.names import object_name
from archesai_infra.stack.evaluate import Evaluation

Object = dict[str, Any]
COMPONENT = "database-upgrade"
NAME = object_name(COMPONENT)
FROM = "archesai.com/upgraded-from"
"""Annotation of a claim: the tag and the claim that an upgrade went out from, as JSON."""
SWITCH_SECONDS = 1800
"""Time for the switch: the new claim and its server wait for an `up` of the whole stack."""
_READY = "/tmp/ready"
_DNS = object_name("dns")


def found(evaluation: Evaluation, kind: str, name: str) -> Object:
    """An object of a stack; raises KeyError where it has none."""
    for item in evaluation.objects:
        if (item["kind"], item["metadata"]["name"]) == (kind, name):
            return item
    raise KeyError(f"{kind} {name}")


def image_of(server: Object) -> str:
    """The image of a StatefulSet's only container."""
    return str(server["spec"]["template"]["spec"]["containers"][0]["image"])


def claim(plan: Plan) -> Object:
    """The claim that the copy is on, as the stack will declare it."""
    made = deepcopy(found(plan.after, "PersistentVolumeClaim", plan.new_claim))
    own = managed(plan.settings)
    record = {"tag": own.tag, "claim": plan.old_claim}
    made["metadata"].setdefault("annotations", {})[FROM] = json.dumps(record)
    return made


def helpers(plan: Plan) -> list[Object]:
    """What the copy needs besides its claim, in the order in which it is created."""
    return [_config_map(plan), *_policies(plan), _job(plan)]


def _metadata(plan: Plan, name: str = NAME) -> Object:
    return {"name": name, "namespace": plan.namespace, "labels": labels(COMPONENT, plan.stack)}


def _config_map(plan: Plan) -> Object:
    data = scripts.upgrade_files() | {"sync-password.sh": script(PACKAGE, "sync-password.sh")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(plan), "data": data}


def _policies(plan: Plan) -> Iterator[Object]:
    """From the copy to the old server, both ways, and to the resolver as the stack's other clients."""
    ports = [{"protocol": "TCP", "port": database.PORT}]
    own = selector(COMPONENT, plan.stack)
    server = selector(database.MODULE, plan.stack)
    out = {
        "podSelector": {"matchLabels": own},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": server}}], "ports": ports}, *resolving(plan.after)],
    }
    inward = {
        "podSelector": {"matchLabels": server},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": own}}], "ports": ports}],
    }
    for name, spec in ((NAME, out), (f"{NAME}-server", inward)):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": _metadata(plan, name),
            "spec": spec,
        }


def resolving(evaluation: Evaluation) -> list[Object]:
    """Egress rules to the resolver, as the stack's clients have them."""
    return [
        rule
        for item in evaluation.objects
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == _DNS
        for rule in item["spec"]["egress"]
    ]


def _job(plan: Plan) -> Object:
    template = deepcopy(found(plan.after, "StatefulSet", database.NAME)["spec"]["template"])
    pod = template["spec"]
    pod["restartPolicy"] = "Never"
    # A shell hears no signal while it waits for a command; the old server sees the session of a killed one end.
    pod["terminationGracePeriodSeconds"] = 5
    pod.pop("topologySpreadConstraints", None)
    (server,) = [one for one in pod["containers"] if one["name"] == "postgres"]
    pod["containers"] = [_container(server)]
    for volume in pod["volumes"]:
        if volume["name"] == "scripts":
            volume["configMap"]["name"] = NAME
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(plan),
        "spec": {
            "backoffLimit": 0,
            # The command puts it off while it runs: without the command nobody switches, and writers must not wait.
            "activeDeadlineSeconds": LEASE_SECONDS,
            # The pod's log stays readable after a failure until the next try.
            "template": {"metadata": {"labels": labels(COMPONENT, plan.stack)}, "spec": pod},
        },
    }


def _container(server: Object) -> Object:
    """The server's container, which copies before anything reaches it."""
    built = {key: value for key, value in server.items() if key not in ("lifecycle", "ports") and "Probe" not in key}
    own = {"SCRIPTS": "/etc/archesai", "READY": _READY, "SWITCH_SECONDS": str(SWITCH_SECONDS)}
    built["command"] = scripts.run("upgrade-database.sh")
    built["env"] = [*server["env"], *({"name": key, "value": value} for key, value in own.items())]
    built["readinessProbe"] = {"exec": {"command": ["test", "-e", _READY]}, "periodSeconds": 1}
    return built
