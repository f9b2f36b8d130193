"""What the Job of a move needs for a server elsewhere: the way there, its URL, and the cluster's logins."""

from __future__ import annotations

from typing import Any

from archesai_infra.cli.base.server_job import found
from archesai_infra.cli.move.plan import Plan
from archesai_infra.components import database
from archesai_infra.components.base.peers import CA_FILE
from archesai_infra.components.database.cluster import network
from archesai_infra.components.database.cluster.spec import TRUSTED_FILE
from archesai_infra.components.database.server import SECRETS_PATH
from archesai_infra.kube.names import object_name
from archesai_infra.stack.evaluate import Evaluation

Object = dict[str, Any]


def egress(plan: Plan) -> list[Object]:
    """Egress rules to the server elsewhere: what instances have beside it and not after the move."""
    if plan.elsewhere is None:
        return []
    after = _of_instances(plan, plan.over)
    return [rule for rule in _of_instances(plan, plan.beside) if rule not in after]


def _of_instances(plan: Plan, evaluation: Evaluation) -> list[Object]:
    policy = found(evaluation, "NetworkPolicy", object_name(network.members(plan.cluster).name))
    return policy["spec"].get("egress", [])


def environment(plan: Plan) -> dict[str, str]:
    """What the script is told of it; nothing for the single pod."""
    server = plan.elsewhere
    if server is None:
        return {}
    own = {"OLD_URL_FILE": f"{SECRETS_PATH}/{database.URL_KEY}", "NEW_LOGINS": SECRETS_PATH}
    if plan.cluster.major is not None:
        own["CLUSTER_MAJOR"] = plan.cluster.major
    if server.ca is not None:
        own |= {"PGSSLROOTCERT": f"{SECRETS_PATH}/{CA_FILE}", "INSTANCES_CA": TRUSTED_FILE}
    return own


def complete(job: Object, plan: Plan, server: database.ExternalServer, *, check: bool) -> None:
    """Give the Job's pod the tools of the cluster's version, and the Secrets of both in place of the single pod's.

    Before the cluster is declared, `check` has the URL from where the stack's clients have theirs.
    """
    pod = job["spec"]["template"]["spec"]
    # The single pod's own is not there.
    pod.pop("serviceAccountName")
    pod["automountServiceAccountToken"] = False
    pod["containers"][0]["image"] = found(plan.over, "Cluster", plan.cluster.name)["spec"]["imageName"]
    url = server.existing_secret or database.SECRET if check else server.url_secret
    sources = [_keys(url, {database.URL_KEY: database.URL_KEY})]
    if not check:
        sources += [
            _keys(object_name(f"{database.MODULE}-user"), {"username": "username", "password": "password"}),
            _keys(object_name(f"{database.MODULE}-superuser"), {"password": database.PASSWORD_KEY}),
        ]
    if server.ca is not None:
        sources.append(server.ca.projection())
    for volume in pod["volumes"]:
        if volume["name"] == "password":
            mode = volume.pop("secret")["defaultMode"]
            volume["projected"] = {"defaultMode": mode, "sources": sources}


def _keys(secret: str, files: dict[str, str]) -> Object:
    """A Secret's keys as files."""
    return {"secret": {"name": secret, "items": [{"key": key, "path": path} for key, path in files.items()]}}
