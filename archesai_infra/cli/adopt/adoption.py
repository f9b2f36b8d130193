"""What happens to each object of a running deployment when a stack adopts it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from archesai_infra.cli.adopt.differences import differences, immutable, restarts
from archesai_infra.cli.adopt.handover import steps
from archesai_infra.cli.adopt.live import KINDS, WORKLOADS, Live, Object
from archesai_infra.cli.adopt.owners import owner, setters
from archesai_infra.cli.adopt.plan import BEFORE, Fate, Item, Plan, Takeover
from archesai_infra.components import database
from archesai_infra.kube.labels import COMPONENT
from archesai_infra.stack.evaluate import Evaluation, Resource

OLD_COMPONENTS = {"postgres": database.MODULE}
"""Modules by their former names."""


def urns(declared: Evaluation) -> dict[str, str]:
    """The engine's URN of every resource, by the URN of its evaluation, which names the direct parent only."""
    by_urn = {resource.urn: resource for resource in declared.resources}

    def kind(resource: Resource) -> str:
        parent = by_urn.get(resource.parent)
        return f"{kind(parent)}${resource.type}" if parent else resource.type

    return {
        name: "::".join([*name.split("::")[:2], kind(resource), resource.name]) for name, resource in by_urn.items()
    }


def plan(declared: Evaluation, stack: str, live: Live, known: Collection[str], takeover: Takeover) -> Plan:
    """The plan for a stack whose settings hold what the takeover asks for; `known` are URNs in its state."""
    names = urns(declared)
    items = [
        _item(resource, stack, live, is_known=names[resource.urn] in known)
        for resource in declared.resources
        if resource.is_object
    ]
    items += _without_place(declared, live, stack)
    items.sort(key=lambda item: (item.module, item.kind, item.name))
    to_do = [*takeover.steps, *(step for item in items for step in steps(item, live))]
    return Plan(
        stack=stack,
        namespace=live.namespace,
        items=tuple(items),
        settings=takeover.settings,
        volumes=takeover.volumes,
        steps=tuple(sorted(to_do, key=lambda step: step.when != BEFORE)),
        obstacles=(*takeover.obstacles, *_obstacles(items)),
    )


def _item(resource: Resource, stack: str, live: Live, *, is_known: bool) -> Item:
    wanted = dict(resource.inputs)
    kind, metadata = str(wanted["kind"]), wanted["metadata"]
    module, name = metadata.get("labels", {}).get(COMPONENT, "-"), str(metadata["name"])
    found = live.get(kind, name) if _inside(wanted, live) else None
    if is_known:
        return Item(module, kind, name, Fate.KNOWN, resource=resource, live=found)
    if found is None:
        return Item(module, kind, name, Fate.CREATED, resource=resource)
    other = owner(found, stack, live.context)
    if other is not None:
        return Item(module, kind, name, Fate.FOREIGN, (other.name, other.cure), resource=resource, live=found)
    # An update in which a field differs that cannot change is refused as a whole.
    if reasons := immutable(found, wanted):
        return Item(module, kind, name, Fate.REFUSED, tuple(reasons), kind in WORKLOADS, resource, found)
    changed = tuple(_changes(found, wanted))
    fate = Fate.CHANGED if changed else Fate.SAME
    others = setters(found, changed)
    why = (*(f"taken from {other}" for other in others), *changed)
    return Item(module, kind, name, fate, why, restarts(found, wanted), resource, found, others)


def _inside(wanted: Object, live: Live) -> bool:
    metadata = wanted["metadata"]
    if wanted["kind"] == "Namespace":
        return metadata["name"] == live.namespace
    return wanted["kind"] in KINDS and metadata.get("namespace") == live.namespace


def _changes(found: Object, wanted: Object) -> Iterator[str]:
    """What the next `up` changes; of a Secret, whose values are not compared, that it is written."""
    if wanted["kind"] == "Secret":
        yield "stringData"
        wanted = {key: value for key, value in wanted.items() if key != "stringData"}
    yield from differences(found, wanted)


def _without_place(declared: Evaluation, live: Live, stack: str) -> Iterator[Item]:
    names = {
        (str(resource.inputs["kind"]), str(resource.inputs["metadata"]["name"]))
        for resource in declared.resources
        if resource.is_object and _inside(dict(resource.inputs), live)
    }
    switches = declared.settings.modules | {"security": True}
    places = {name: kind for kind, name in names if kind in WORKLOADS}
    for (kind, name), item in live.objects.items():
        if (kind, name) in names or _of_the_cluster(kind, item):
            continue
        labels = item["metadata"].get("labels") or {}
        own = str(labels.get(COMPONENT, "-"))
        module = OLD_COMPONENTS.get(own, own)
        why = [f"{module} is off in the stack"] if switches.get(module) is False else []
        other = owner(item, stack, live.context)
        why += [f"belongs to {other.name}"] if other else []
        replaced = kind in WORKLOADS and name in places
        runs = bool(item["spec"].get("replicas", 1)) if replaced else False
        why += [f"{places[name]} {name} takes its place"] if replaced else []
        module = module if module in switches else "-"
        yield Item(module, kind, name, Fate.NO_PLACE, tuple(why), restarts=runs, live=item)


def _of_the_cluster(kind: str, item: Object) -> bool:
    """What Kubernetes, Helm or a controller keeps in every namespace or made by itself."""
    metadata = item["metadata"]
    controlled = any(reference.get("controller") for reference in metadata.get("ownerReferences") or [])
    standing = (kind, metadata["name"]) in {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
    records = item.get("type") in ("helm.sh/release.v1", "kubernetes.io/service-account-token")
    return controlled or standing or records


def _obstacles(items: list[Item]) -> Iterator[str]:
    for item in items:
        if item.fate is Fate.FOREIGN:
            yield f"{item.kind} {item.name} belongs to {item.why[0]}: {item.why[1]}"
        elif item.fate is Fate.REFUSED and item.kind == "PersistentVolumeClaim":
            yield f"{item.kind} {item.name} holds data and does not fit: {'; '.join(item.why)}"
