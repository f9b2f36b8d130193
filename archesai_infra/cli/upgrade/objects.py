"""The objects that copy a database: a Job like the server's own pod, its scripts, its flows and the new claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from archesai_infra.cli.base.server_job import ServerJob, container, found, resolving
from archesai_infra.cli.upgrade.lease import LEASE_SECONDS
from archesai_infra.cli.upgrade.plan import Plan, managed
from archesai_infra.components import database
from archesai_infra.components.backups import scripts
from archesai_infra.components.base.scripts import script
from archesai_infra.components.database.server import PACKAGE
from archesai_infra.kube.labels import selector
from archesai_infra.kube.names import object_name

Object = dict[str, Any]
COMPONENT = "database-upgrade"
NAME = object_name(COMPONENT)
FROM = "archesai.com/upgraded-from"
"""Annotation of a claim: the tag and the claim that an upgrade went out from, as JSON."""
SWITCH_SECONDS = 1800
"""Time for the switch: the new claim and its server wait for an `up` of the whole stack."""


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
    server = ServerJob(COMPONENT, plan.namespace, plan.stack)
    files = scripts.upgrade_files() | {"sync-password.sh": script(PACKAGE, "sync-password.sh")}
    return [server.config_map(files), *_policies(plan, server), _job(plan, server)]


def remains() -> list[Object]:
    """Kind and name of the objects of `helpers`, which a command that was killed has left."""
    names = (("ConfigMap", NAME), ("NetworkPolicy", NAME), ("NetworkPolicy", f"{NAME}-server"), ("Job", NAME))
    return [{"kind": kind, "metadata": {"name": name}} for kind, name in names]


def _policies(plan: Plan, job: ServerJob) -> Iterator[Object]:
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
    yield job.policy(NAME, out)
    yield job.policy(f"{NAME}-server", inward)


def _job(plan: Plan, server: ServerJob) -> Object:
    environment = {"SCRIPTS": "/etc/archesai", "SWITCH_SECONDS": str(SWITCH_SECONDS)}
    copying = container(plan.after, scripts.run("upgrade-database.sh"), environment)
    # A shell hears no signal while it waits for a command; the old server sees the session of a killed one end.
    job = server.job(plan.after, copying, grace_seconds=5)
    # The command puts it off while it runs: without the command nobody switches, and writers must not wait.
    job["spec"]["activeDeadlineSeconds"] = LEASE_SECONDS
    return job
