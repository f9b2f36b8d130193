"""Roles for the people and the jobs that preview or deploy a stack, made from the objects that it declares."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer
import yaml

from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.stack.evaluate import Evaluation, evaluate

Object = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_READ = ("get", "list", "watch")
_CHANGE = (*_READ, "create", "update", "patch", "delete")
_LOOKED_AT: Mapping[str, tuple[str, ...]] = {
    "": ("pods", "pods/log", "events"),
    "apps": ("replicasets",),
    "discovery.k8s.io": ("endpointslices",),
}
"""What the engine's waiting and `arches status` read besides, by API group."""
_SECRETS = "secrets"
READER, REFRESHER, DEPLOYER = "reader", "refresher", "deployer"
"""Who previews, who previews against the cluster's own state, and who changes."""


def print_roles(stack: str, role: str, *, group: str | None) -> None:
    """Print the manifests of a stack's role; raises ConfigError."""
    evaluation = evaluate(checked_stack(stack))
    subject = group or f"archesai-{stack}-{role}s"
    sys.stdout.write(yaml.safe_dump_all(roles(evaluation, stack, subject, role), sort_keys=False))
    charts = sorted({str(one.inputs["name"]) for one in evaluation.releases})
    if role == DEPLOYER and charts:
        typer.echo(
            f"The charts {', '.join(charts)} define kinds and roles for the whole cluster: the `up` that installs or "
            "upgrades them needs cluster-admin.",
            err=True,
        )


def roles(evaluation: Evaluation, stack: str, group: str, role: str) -> Iterator[Object]:
    """A role in each of the stack's namespaces and one for kinds of the whole cluster, each bound to a group."""
    name = f"archesai-{stack}-{role}"
    charts = {str(one.inputs["namespace"]) for one in evaluation.releases}
    namespaces = {str(item["metadata"]["namespace"]) for item in evaluation.objects if _namespace(item)}
    by_namespace = {place: [item for item in evaluation.objects if _namespace(item) == place] for place in namespaces}
    verbs = _CHANGE if role == DEPLOYER else _READ
    clusterwide = [item for item in evaluation.objects if not _namespace(item)]
    yield _role("ClusterRole", name, "", _rules(clusterwide, verbs, secrets=False))
    yield _binding("ClusterRole", name, "", group)
    for place in sorted(namespaces | (charts if role == REFRESHER else set())):
        items = by_namespace.get(place, [])
        rules = _rules(items, verbs, secrets=role == DEPLOYER)
        rules += [_rule(api, resources, _READ) for api, resources in _LOOKED_AT.items()]
        if role == REFRESHER:
            rules += _refreshed(items, helm=place in charts)
        yield _role("Role", name, place, rules)
        yield _binding("Role", name, place, group)


def _refreshed(items: Iterable[Object], *, helm: bool) -> Iterator[Object]:
    """Rights on Secrets: on the stack's own by name, and on all where Helm finds its records by a label."""
    if helm:
        yield _rule("", [_SECRETS], _READ)
    elif names := sorted(str(item["metadata"]["name"]) for item in items if item["kind"] == "Secret"):
        yield {**_rule("", [_SECRETS], ["get"]), "resourceNames": names}


def _namespace(item: Object) -> str:
    return str(item["metadata"].get("namespace", ""))


def _rules(items: Iterable[Object], verbs: tuple[str, ...], *, secrets: bool) -> list[Object]:
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        group = item["apiVersion"].rpartition("/")[0]
        found[group].add(plural(item["kind"]))
    if not secrets:
        found[""].discard(_SECRETS)
    return [_rule(group, sorted(resources), verbs) for group, resources in sorted(found.items()) if resources]


def plural(kind: str) -> str:
    """The resource of a kind, as the API server names it."""
    word = kind.lower()
    if word.endswith("y"):
        return word.removesuffix("y") + "ies"
    return word + ("es" if word.endswith("s") else "s")


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _role(kind: str, name: str, namespace: str, rules: list[Object]) -> Object:
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": _metadata(name, namespace), "rules": rules}


def _binding(kind: str, name: str, namespace: str, group: str) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group}],
    }


def _metadata(name: str, namespace: str) -> Object:
    return {"name": name, "namespace": namespace} if namespace else {"name": name}
