"""An evaluated stack as a tree of components and resources."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from archesai_infra.stack.evaluate import Evaluation, Resource

GREEN, PLAIN = "\x1b[32m", "\x1b[0m"
NAMES = 46
"""Columns of the names of resources."""
KINDS = NAMES + 3
"""Column in which kinds begin, and where their line goes on on a narrow terminal."""


def tree(evaluation: Evaluation, stack: str, *, color: bool = False, new: bool = True) -> Iterator[str]:
    """Lines of the tree, each resource with what it is and what it is called in the cluster.

    `new` marks each with a plus: the tree is compared with nothing.
    """
    sign = "" if not new else f"{GREEN}+{PLAIN} " if color else "+ "
    children: dict[str, list[Resource]] = defaultdict(list)
    urns = {resource.urn for resource in evaluation.resources}
    for resource in evaluation.resources:
        children[resource.parent if resource.parent in urns else ""].append(resource)
    yield _line(f"archesai-{stack}", "pulumi:pulumi:Stack", 0, sign)
    yield from _branch(children, "", 1, sign)


def _branch(children: dict[str, list[Resource]], parent: str, depth: int, sign: str) -> Iterator[str]:
    for resource in sorted(children[parent], key=lambda item: (item.custom, item.name)):
        kind = resource.type.rpartition(":")[2] if resource.custom else resource.type
        yield _line(f"{resource.name}{_marks(resource)}", f"{kind} {_object(resource)}".rstrip(), depth, sign)
        yield from _branch(children, resource.urn, depth + 1, sign)


def _object(resource: Resource) -> str:
    metadata = resource.inputs.get("metadata", {})
    return str(metadata.get("name", "")) if resource.is_object else str(resource.inputs.get("name", ""))


def _marks(resource: Resource) -> str:
    return " [protected]" if resource.protect else ""


def _line(name: str, what: str, depth: int, sign: str) -> str:
    text = f"{'  ' * depth}{name}"
    return f"{sign}{text:<{NAMES}} {what}"


def summary(evaluation: Evaluation, *, new: bool = True) -> Iterator[str]:
    """Counts, the namespace, the modules that are on, and the URLs."""
    total = f"{len(evaluation.resources)} {'to create' if new else 'declared'}"
    kinds = Counter(
        "objects" if resource.is_object else "releases" if resource.is_release else "others"
        for resource in evaluation.resources
    )
    yield (
        f"Resources: {total} ({kinds['objects']} Kubernetes objects, {kinds['releases']} Helm releases, "
        f"{kinds['others']} components, providers and generated values)"
    )
    yield f"Namespace: {evaluation.settings.namespace}"
    yield f"Modules:   {', '.join(evaluation.outputs['modules'])}"
    urls: dict[str, str] = evaluation.outputs["urls"]
    yield f"URLs:      {', '.join(urls.values()) or 'none (ingress is off)'}"
